//! The message inside a frame: a 22-byte header, fields, operations.

use bytes::Bytes;

use super::flags::{field, info4};
use crate::model::{BinName, Error, ParticleType, Result, ResultCode, Value};
use crate::ops::{Op, OpKind};

/// Bytes of a message header.
pub const MESSAGE_HEADER: usize = 22;

pub(super) fn bad(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ResultCode::ParameterError, message)
}

/// The header's fixed part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Read bits.
    pub info1: u8,
    /// Write bits.
    pub info2: u8,
    /// Policy bits.
    pub info3: u8,
    /// Transaction bits and error detail.
    pub info4: u8,
    /// Expected generation.
    pub generation: u32,
    /// TTL of a write.
    pub ttl: u32,
    /// Milliseconds the client waits; 0 for no limit.
    pub timeout: u32,
    /// How many fields follow.
    pub fields: u16,
    /// How many operations follow them.
    pub ops: u16,
}

impl Header {
    /// How much error detail the client asks for: 0 none, 1 code, 2 a message too, 3 and
    /// more a trace with it.
    pub fn error_detail(&self) -> u8 {
        (self.info4 & info4::ERROR_DETAIL_MASK) >> info4::ERROR_DETAIL_SHIFT
    }
}

/// Reads big-endian numbers and slices off the front of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    pub rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let (head, rest) = self
            .rest
            .split_at_checked(n)
            .ok_or_else(|| bad("the message ends in the middle of an entry"))?;
        self.rest = rest;
        Ok(head)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (head, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or_else(|| bad("the message ends in the middle of an entry"))?;
        self.rest = rest;
        Ok(*head)
    }

    pub fn u8(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    pub fn u16(&mut self) -> Result<u16> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_be_bytes(self.array()?))
    }
}

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident = $id:ident;)*) => {
        /// The fields of a message, as raw bytes; unknown ones are passed over.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Fields<'a> {
            $($(#[$doc])* pub $name: Option<&'a [u8]>,)*
        }

        impl<'a> Fields<'a> {
            #[inline]
            fn set(&mut self, kind: u8, data: &'a [u8]) {
                match kind {
                    $(field::$id => self.$name = Some(data),)*
                    _ => {}
                }
            }
        }
    };
}

fields! {
    /// Namespace name.
    namespace = NAMESPACE;
    /// Set name.
    set = SET;
    /// User key: type byte, then bytes.
    key = KEY;
    /// Digest.
    digest = DIGEST;
    /// Id of a multi-record transaction.
    transaction = TRANSACTION_ID;
    /// Task id (`trid`).
    task_id = TASK_ID;
    /// Socket timeout, milliseconds.
    socket_timeout = SOCKET_TIMEOUT;
    /// Records per second.
    records_per_second = RECORDS_PER_SECOND;
    /// Partition ids, u16 little-endian each.
    partitions = PARTITIONS;
    /// Digests to resume partitions after.
    digests = DIGESTS;
    /// The values at which an index has those records, i64 little-endian each.
    index_values = INDEX_VALUES;
    /// Most records to return.
    max_records = MAX_RECORDS;
    /// Index name.
    index_name = INDEX_NAME;
    /// Index range.
    index_range = INDEX_RANGE;
    /// What of a bin the index is of.
    index_type = INDEX_TYPE;
    /// The way to the indexed element in a bin, a packed list.
    index_context = INDEX_CONTEXT;
    /// Index expression.
    index_expression = INDEX_EXPRESSION;
    /// UDF package.
    udf_package = UDF_PACKAGE;
    /// UDF function.
    udf_function = UDF_FUNCTION;
    /// UDF arguments, a packed list.
    udf_arguments = UDF_ARGUMENTS;
    /// UDF operation.
    udf_op = UDF_OP;
    /// Names of bins, the old way.
    bin_list = BIN_LIST;
    /// Batch rows.
    batch = BATCH;
    /// Batch rows, as older clients name them.
    batch_with_set = BATCH_WITH_SET;
    /// Filter expression.
    filter = FILTER;
    /// Textual filter of a query.
    where_clause = WHERE;
}

impl<'a> Fields<'a> {
    pub(super) fn parse(cursor: &mut Cursor<'a>, count: u16) -> Result<Self> {
        let mut fields = Self::default();
        for _ in 0..count {
            let mut size = cursor.u32()? as usize;
            // The Java client counts a batch's filter into its rows' field too, the last of the message.
            if let Some(&(field::BATCH | field::BATCH_WITH_SET)) = cursor.rest.first() {
                size = size.min(cursor.rest.len());
            }
            let (kind, data) = cursor
                .take(size)?
                .split_first()
                .ok_or_else(|| bad("a field of no bytes has no type"))?;
            fields.set(*kind, data);
        }
        Ok(fields)
    }

    /// The bytes of a field as a big-endian number of its own width.
    pub(super) fn number(field: Option<&[u8]>) -> Result<Option<u64>> {
        let Some(bytes) = field else { return Ok(None) };
        if bytes.is_empty() || bytes.len() > 8 {
            return Err(bad("a number field is not 1 to 8 bytes long"));
        }
        Ok(Some(bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b))))
    }
}

/// One operation, not yet looked into.
#[derive(Clone, Copy, Debug)]
pub struct RawOp<'a> {
    /// The operation byte.
    pub op: u8,
    /// Type of the value.
    pub kind: ParticleType,
    /// Bin name; empty for none.
    pub name: &'a [u8],
    /// The value.
    pub data: &'a [u8],
}

impl<'a> RawOp<'a> {
    pub(super) fn parse(cursor: &mut Cursor<'a>) -> Result<Self> {
        let size = cursor.u32()? as usize;
        let mut inner = Cursor {
            rest: cursor.take(size)?,
        };
        let [op, kind, flags, name_len] = inner.array()?;
        let name = inner.take(name_len.into())?;
        if flags & 1 != 0 {
            // A last-update time per bin; only replication sends it.
            inner.take(8)?;
        }
        Ok(Self {
            op,
            kind: ParticleType(kind),
            name,
            data: inner.rest,
        })
    }

    /// The bin name.
    ///
    /// # Errors
    /// [`ResultCode::BinName`] when it is too long.
    pub fn bin(&self) -> Result<Option<BinName>> {
        if self.name.is_empty() {
            return Ok(None);
        }
        BinName::new(self.name).map(Some).ok_or_else(|| {
            Error::new(
                ResultCode::BinName,
                format!(
                    "bin name `{}` is longer than 15 bytes",
                    String::from_utf8_lossy(self.name)
                ),
            )
        })
    }

    /// The operation; its value shares `frame`.
    ///
    /// # Errors
    /// When the operation is unknown, or its bin or value is malformed.
    pub fn decode(&self, frame: &Bytes) -> Result<Op> {
        let kind = OpKind::from_wire(self.op).ok_or_else(|| {
            Error::new(
                ResultCode::Unsupported,
                format!("this host has no operation {}", self.op),
            )
        })?;
        let value = if self.kind == ParticleType::NULL {
            Value::Nil
        } else {
            Value::from_particle(self.kind, frame.slice_ref(self.data))?
        };
        Ok(Op {
            kind,
            bin: self.bin()?,
            value,
        })
    }
}

/// A parsed message, borrowing from its frame.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The frame's body, for values to share.
    pub frame: &'a Bytes,
    /// Its header.
    pub header: Header,
    /// Its fields.
    pub fields: Fields<'a>,
    ops: Cursor<'a>,
}

impl<'a> Message<'a> {
    /// Parses the body of a message frame. Operations are checked when they are read.
    ///
    /// # Errors
    /// [`ResultCode::ParameterError`] when it is malformed.
    pub fn parse(frame: &'a Bytes) -> Result<Self> {
        let mut cursor = Cursor { rest: frame };
        let header_len = usize::from(cursor.u8()?);
        if header_len < MESSAGE_HEADER {
            return Err(bad("the message header is too short"));
        }
        let [info1, info2, info3, info4, _unused, ..] = cursor.array::<5>()?;
        let header = Header {
            info1,
            info2,
            info3,
            info4,
            generation: cursor.u32()?,
            ttl: cursor.u32()?,
            timeout: cursor.u32()?,
            fields: cursor.u16()?,
            ops: cursor.u16()?,
        };
        cursor.take(header_len - MESSAGE_HEADER)?;
        let fields = Fields::parse(&mut cursor, header.fields)?;
        Ok(Self {
            frame,
            header,
            fields,
            ops: cursor,
        })
    }

    /// A part of a batch: a header and fields of its own, in the batch's frame. Moves
    /// `cursor` past the row's operations.
    pub(super) fn part(frame: &'a Bytes, header: Header, cursor: &mut Cursor<'a>) -> Result<Self> {
        let fields = Fields::parse(cursor, header.fields)?;
        let start = *cursor;
        for _ in 0..header.ops {
            let size = cursor.u32()? as usize;
            cursor.take(size)?;
        }
        let ops = Cursor {
            rest: &start.rest[..start.rest.len() - cursor.rest.len()],
        };
        Ok(Self {
            frame,
            header,
            fields,
            ops,
        })
    }

    /// Whether two parts ask for the same, whatever their records are.
    pub(super) fn asks_as(&self, other: &Self) -> bool {
        let work = |m: &Self| {
            let fields = Fields {
                set: None,
                key: None,
                ..m.fields
            };
            let header = Header {
                fields: 0,
                ..m.header
            };
            (header, fields, m.ops.rest)
        };
        work(self) == work(other)
    }

    /// Its operations, in order.
    pub fn ops(&self) -> impl Iterator<Item = Result<RawOp<'a>>> {
        let mut cursor = self.ops;
        (0..self.header.ops).map(move |_| RawOp::parse(&mut cursor))
    }
}
