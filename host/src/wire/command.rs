//! From messages to what dispatch understands.

use std::sync::Arc;

use bytes::Bytes;

use super::flags::{info1, info2, info3};
use super::message::{Fields, Header, Message, bad};
use crate::change::{ExistsAction, GenerationCheck, WritePolicy};
use crate::expr;
use crate::model::{
    Digest, Error, Particle, ParticleType, Result, ResultCode, Ttl, Value, msgpack,
};
use crate::ops::{Op, OpKind};
use crate::request::{BinSelection, Filter, Request, Target, UdfCall, Work, Yields};

/// What a message asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// One record.
    Single,
    /// Rows of a batch.
    Batch,
    /// A foreground query.
    Query,
    /// A background task.
    Background,
    /// An aggregation, by a stream function.
    Aggregate(Yields),
    /// The plan of a query with a textual filter.
    Explain,
}

/// The UDF operation byte of an aggregation whose last reduce the client does.
const UDF_AGGREGATE: u8 = 1;
/// The UDF operation byte of a background task.
const UDF_BACKGROUND: u8 = 2;
/// The UDF operation byte of an aggregation that this host does to its end; no official client sends
/// it.
pub const UDF_AGGREGATE_HERE: u8 = 3;
/// The flag in a textual filter that asks for the plan only.
const WHERE_EXPLAIN: u8 = 1 << 1;

impl Message<'_> {
    /// Which kind of command the message is.
    ///
    /// # Errors
    /// For commands that this host does not have.
    pub fn command(&self) -> Result<Command> {
        let (h, f) = (&self.header, &self.fields);
        if f.batch.is_some() || f.batch_with_set.is_some() || h.info1 & info1::BATCH != 0 {
            return Ok(Command::Batch);
        }
        if f.digest.is_some() || f.key.is_some() {
            return Ok(Command::Single);
        }
        if f.where_clause
            .is_some_and(|w| where_flags(w).0 & WHERE_EXPLAIN != 0)
        {
            return Ok(Command::Explain);
        }
        match f.udf_op {
            Some([UDF_BACKGROUND]) => Ok(Command::Background),
            Some([UDF_AGGREGATE]) => Ok(Command::Aggregate(Yields::Partials)),
            Some([UDF_AGGREGATE_HERE]) => Ok(Command::Aggregate(Yields::Results)),
            Some(_) => Err(bad("unknown UDF operation")),
            None if h.info2 & info2::WRITE != 0 => Ok(Command::Background),
            None => Ok(Command::Query),
        }
    }

    /// The namespace's name.
    ///
    /// # Errors
    /// [`ResultCode::InvalidNamespace`] when the message names none.
    pub fn namespace(&self) -> Result<&[u8]> {
        self.fields.namespace.ok_or_else(|| {
            Error::new(
                ResultCode::InvalidNamespace,
                "the request names no namespace",
            )
        })
    }

    /// The set's name; `None` for the null set, or for the whole namespace.
    pub fn set(&self) -> Option<&[u8]> {
        self.fields.set.filter(|set| !set.is_empty())
    }

    /// The record that the message is for.
    ///
    /// # Errors
    /// When neither digest nor key is well-formed.
    pub fn target(&self) -> Result<Target> {
        let set = self.fields.set.unwrap_or_default();
        let user_key = match self.fields.key {
            Some(key) => Some(self.user_key(key)?),
            None => None,
        };
        let digest = match (self.fields.digest, &user_key) {
            (Some(d), _) => Digest(d.try_into().map_err(|_| bad("a digest is 20 bytes long"))?),
            (None, Some(key)) => Digest::of(
                std::str::from_utf8(set).map_err(|_| bad("the set name is not text"))?,
                key,
            )?,
            (None, None) => return Err(bad("the request names no record")),
        };
        Ok(self.target_at(digest, user_key))
    }

    pub(super) fn target_at(&self, digest: Digest, user_key: Option<Value>) -> Target {
        Target {
            digest,
            set: match self.fields.set {
                Some(set) if !set.is_empty() => self.frame.slice_ref(set),
                _ => Bytes::new(),
            },
            user_key,
        }
    }

    pub(super) fn user_key(&self, key: &[u8]) -> Result<Value> {
        let (kind, data) = key.split_first().ok_or_else(|| bad("the key is empty"))?;
        let kind = ParticleType(*kind);
        match Value::from_particle(kind, self.frame.slice_ref(data))? {
            v @ (Value::Int(_) | Value::Str(_) | Value::Blob(..)) => Ok(v),
            other => Err(bad(format!(
                "a key is an integer, a string or a blob, not a {}",
                other.kind().name()
            ))),
        }
    }

    /// The filter, from either of its fields.
    ///
    /// # Errors
    /// [`ResultCode::ParameterError`] when it does not compile.
    pub fn filter(&self) -> Result<Option<Filter>> {
        let compile = |packed: &[u8]| {
            let filter = expr::decode(packed)
                .map_err(|e| bad(format!("the filter expression is not valid: {e}")))?;
            Filter::new(filter).map(Some)
        };
        if let Some(packed) = self.fields.filter {
            return compile(packed);
        }
        let Some(clause) = self.fields.where_clause else {
            return Ok(None);
        };
        // Field 43 carries text as the list [128, TEXT]; one reader serves both fields.
        let mut packed = Vec::with_capacity(clause.len() + 8);
        msgpack::pack_list_len(2, &mut packed);
        msgpack::pack_int(128, &mut packed);
        let text = where_flags(clause).1;
        packed.push(0xC6);
        packed.extend_from_slice(&(text.len() as u32).to_be_bytes());
        packed.extend_from_slice(text);
        compile(&packed)
    }

    /// The request, apart from its record and its filter.
    ///
    /// # Errors
    /// When operations, bins or the call are malformed, or the client asks for what this host lacks.
    pub fn request(&self, filter: Option<Filter>) -> Result<Request> {
        let h = &self.header;
        if self.fields.transaction.is_some() {
            return Err(Error::new(
                ResultCode::EnterpriseOnly,
                "multi-record transactions are not supported",
            ));
        }
        let work = if self.fields.udf_package.is_some() {
            Work::Udf(self.udf()?)
        } else if h.info2 & info2::DELETE != 0 {
            Work::Delete
        } else if h.info2 & info2::WRITE != 0 {
            Work::Operate {
                ops: self.operations()?,
                reply_all: h.info2 & info2::RESPOND_ALL_OPS != 0,
            }
        } else if h.info1 & info1::READ != 0 {
            self.read()?
        } else {
            return Err(bad("the request neither reads nor writes"));
        };
        let policy = h.policy();
        let reads = matches!(work, Work::Read(_) | Work::Operate { .. });
        if reads && h.info2 & info2::WRITE == 0 && matches!(policy.ttl, Ttl::Seconds(101..)) {
            return Err(bad(
                "a read renews a record at 1 to 100 percent of its lifetime",
            ));
        }
        Ok(Request {
            work,
            policy,
            filter,
        })
    }

    /// The function call.
    ///
    /// # Errors
    /// [`ResultCode::ParameterError`] when the message names none; [`ResultCode::UdfExecution`] when its
    /// names are empty or not text, or the arguments are no packed list.
    pub fn udf(&self) -> Result<UdfCall> {
        let fail = |text| Error::new(ResultCode::UdfExecution, text);
        let text = |field: Option<&[u8]>, what: &str| {
            let none = || format!("the call names no {what}");
            let field = field.ok_or_else(|| bad(none()))?;
            match std::str::from_utf8(field) {
                Ok(name) if !name.is_empty() => Ok(Arc::from(name)),
                _ => Err(fail(none())),
            }
        };
        let f: &Fields<'_> = &self.fields;
        Ok(UdfCall {
            package: text(f.udf_package, "UDF module")?,
            function: text(f.udf_function, "UDF function")?,
            args: match f.udf_arguments {
                Some(args) if !args.is_empty() => {
                    let mut reader = msgpack::Reader::new(args);
                    if !matches!(reader.item(), Ok(msgpack::Item::List(_))) {
                        return Err(fail("the UDF's arguments are not a packed list".into()));
                    }
                    self.frame.slice_ref(args)
                }
                _ => Bytes::from_static(&[0x90]),
            },
        })
    }

    fn operations(&self) -> Result<Vec<Op>> {
        let mut ops = Vec::with_capacity(self.header.ops.into());
        let header_only = self.header.info1 & info1::NO_BIN_DATA != 0;
        for op in self.ops() {
            let op = op?.decode(self.frame)?;
            // A read without a bin is of all bins, unless the request wants metadata only.
            if op.kind == OpKind::Read && op.bin.is_none() && header_only {
                continue;
            }
            ops.push(op);
        }
        Ok(ops)
    }

    fn read(&self) -> Result<Work> {
        let h = &self.header;
        let mut plain = h.info2 & info2::RESPOND_ALL_OPS == 0;
        for op in self.ops() {
            let op = op?;
            plain &= op.op == 1;
        }
        if plain {
            if h.ops == 0 && h.info1 & (info1::GET_ALL | info1::NO_BIN_DATA) == 0 {
                return Err(bad("the request reads no bins; ask for all, some, or none"));
            }
            return Ok(Work::Read(self.bins()?));
        }
        let ops = self.operations()?;
        if let Some(write) = ops.iter().find(|op| op.kind.is_write()) {
            return Err(bad(format!(
                "{:?} writes, but the request says that it only reads",
                write.kind
            )));
        }
        Ok(Work::Operate {
            ops,
            reply_all: h.info2 & info2::RESPOND_ALL_OPS != 0,
        })
    }

    /// The bins that a read or query selects.
    ///
    /// # Errors
    /// When a bin name is too long or an operation is not a plain read.
    pub fn bins(&self) -> Result<BinSelection> {
        if self.header.info1 & info1::NO_BIN_DATA != 0 {
            return Ok(BinSelection::None);
        }
        if self.header.info1 & info1::GET_ALL != 0 || self.header.ops == 0 {
            return Ok(BinSelection::All);
        }
        let mut names = Vec::with_capacity(self.header.ops.into());
        for op in self.ops() {
            let op = op?;
            if op.op != 1 {
                return Err(Error::new(
                    ResultCode::Unsupported,
                    "a query returns bins; operations on them are not supported here",
                ));
            }
            match op.bin()? {
                Some(name) => names.push(name),
                None => return Ok(BinSelection::All),
            }
        }
        Ok(BinSelection::Some(names.into()))
    }
}

impl Header {
    /// The write policies.
    pub fn policy(&self) -> WritePolicy {
        let generation = self.generation as u16;
        WritePolicy {
            generation: if self.info2 & info2::GENERATION != 0 {
                GenerationCheck::Equal(generation)
            } else if self.info2 & info2::GENERATION_GT != 0 {
                GenerationCheck::Greater(generation)
            } else {
                GenerationCheck::None
            },
            exists: if self.info2 & info2::CREATE_ONLY != 0 {
                ExistsAction::CreateOnly
            } else if self.info3 & info3::UPDATE_ONLY != 0 {
                ExistsAction::UpdateOnly
            } else if self.info3 & info3::REPLACE_ONLY != 0 {
                ExistsAction::ReplaceOnly
            } else if self.info3 & info3::CREATE_OR_REPLACE != 0 {
                ExistsAction::Replace
            } else {
                ExistsAction::Upsert
            },
            ttl: Ttl::from_wire(self.ttl),
        }
    }
}

/// Splits a textual filter into its flags and its text. Each flag byte says in bit 0 whether
/// another follows.
fn where_flags(clause: &[u8]) -> (u8, &[u8]) {
    let mut flags = 0;
    let mut rest = clause;
    while let Some((byte, tail)) = rest.split_first() {
        flags |= byte & !1;
        rest = tail;
        if byte & 1 == 0 {
            break;
        }
    }
    (flags, rest)
}

/// A particle as a field carries it: a type byte, then its bytes.
pub(super) fn push_particle(out: &mut Vec<u8>, p: Particle<'_>) {
    out.push(p.kind.0);
    out.extend_from_slice(p.data);
}
