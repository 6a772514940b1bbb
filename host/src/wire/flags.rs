//! The bits and numbers of the protocol's messages.

#![allow(missing_docs)]

/// First info byte: what a request reads.
pub mod info1 {
    pub const READ: u8 = 1;
    pub const GET_ALL: u8 = 1 << 1;
    pub const SHORT_QUERY: u8 = 1 << 2;
    pub const BATCH: u8 = 1 << 3;
    pub const XDR: u8 = 1 << 4;
    pub const NO_BIN_DATA: u8 = 1 << 5;
    pub const CONSISTENCY_ALL: u8 = 1 << 6;
    pub const COMPRESS_RESPONSE: u8 = 1 << 7;
}

/// Second info byte: what a request writes.
pub mod info2 {
    pub const WRITE: u8 = 1;
    pub const DELETE: u8 = 1 << 1;
    pub const GENERATION: u8 = 1 << 2;
    pub const GENERATION_GT: u8 = 1 << 3;
    pub const DURABLE_DELETE: u8 = 1 << 4;
    pub const CREATE_ONLY: u8 = 1 << 5;
    pub const RELAX_AP_LONG_QUERY: u8 = 1 << 6;
    pub const RESPOND_ALL_OPS: u8 = 1 << 7;
}

/// Third info byte: write policies, and the marks of a streamed reply.
pub mod info3 {
    pub const LAST: u8 = 1;
    pub const COMMIT_MASTER: u8 = 1 << 1;
    pub const PARTITION_DONE: u8 = 1 << 2;
    pub const UPDATE_ONLY: u8 = 1 << 3;
    pub const CREATE_OR_REPLACE: u8 = 1 << 4;
    pub const REPLACE_ONLY: u8 = 1 << 5;
    pub const SC_READ_TYPE: u8 = 1 << 6;
    pub const SC_READ_RELAX: u8 = 1 << 7;
}

/// Fourth info byte: transactions (low bits) and how much error detail to send (bits 5 and 6).
pub mod info4 {
    pub const TRANSACTION: u8 = 0x1F;
    pub const ERROR_DETAIL_SHIFT: u8 = 5;
    pub const ERROR_DETAIL_MASK: u8 = 3 << ERROR_DETAIL_SHIFT;
}

/// Field types of a message.
pub mod field {
    pub const NAMESPACE: u8 = 0;
    pub const SET: u8 = 1;
    pub const KEY: u8 = 2;
    pub const RECORD_VERSION: u8 = 3;
    pub const DIGEST: u8 = 4;
    pub const TRANSACTION_ID: u8 = 5;
    pub const TRANSACTION_DEADLINE: u8 = 6;
    pub const TASK_ID: u8 = 7;
    pub const SOCKET_TIMEOUT: u8 = 9;
    pub const RECORDS_PER_SECOND: u8 = 10;
    pub const PARTITIONS: u8 = 11;
    pub const DIGESTS: u8 = 12;
    pub const MAX_RECORDS: u8 = 13;
    pub const INDEX_VALUES: u8 = 15;
    pub const INDEX_NAME: u8 = 21;
    pub const INDEX_RANGE: u8 = 22;
    pub const INDEX_CONTEXT: u8 = 23;
    pub const INDEX_EXPRESSION: u8 = 24;
    pub const INDEX_TYPE: u8 = 26;
    pub const UDF_PACKAGE: u8 = 30;
    pub const UDF_FUNCTION: u8 = 31;
    pub const UDF_ARGUMENTS: u8 = 32;
    pub const UDF_OP: u8 = 33;
    pub const BIN_LIST: u8 = 40;
    pub const BATCH: u8 = 41;
    pub const BATCH_WITH_SET: u8 = 42;
    pub const FILTER: u8 = 43;
    pub const WHERE: u8 = 44;
    pub const ERROR_DETAIL: u8 = 45;
}

/// Flags of one batch row.
pub mod row {
    pub const REPEAT: u8 = 1;
    pub const INFO: u8 = 1 << 1;
    pub const GENERATION: u8 = 1 << 2;
    pub const TTL: u8 = 1 << 3;
    pub const INFO4: u8 = 1 << 4;
}

/// Flags of a whole batch.
pub mod batch {
    pub const INLINE: u8 = 1;
    pub const INLINE_SSD: u8 = 1 << 1;
    pub const RESPOND_ALL_KEYS: u8 = 1 << 2;
}
