//! The MessagePack form: a value is itself, an operation is a list that starts with its number.

use super::ael;
use super::bounds::{MAX_DEPTH, MAX_VARIABLES};
use super::call;
use super::compiled::Expr;
use super::error::ExprError;
use super::kind::Kind;
use super::meta::Meta;
use super::node::Node;
use super::opcode::{Opcode, opcode};
use super::operator::{Binary, Fold, Unary};
use super::path::Path;
use super::pattern::Pattern;
use super::raw::{is_variable_name, text_form};
use crate::model::MAX_BIN_NAME;
use crate::model::msgpack::{DecodeError, Element, Item, Reader};

/// Compiles the payload of field 43, in the MessagePack form or in the text form, which is
/// `[128, text]`.
///
/// # Errors
/// [`ExprError`] when the payload is malformed, names operations or types that do not fit,
/// or asks for what the host does not evaluate.
pub fn decode(field: &[u8]) -> Result<Expr, ExprError> {
    if let Some(text) = text_form(field) {
        let text = std::str::from_utf8(text?).map_err(|e| DecodeError {
            offset: e.valid_up_to(),
            what: "the text is not UTF-8",
        })?;
        return Ok(ael::parse(text)?);
    }
    let mut decoder = Decoder {
        reader: Reader::new(field),
        scope: Vec::new(),
        patterns: 0,
    };
    let root = decoder.node(0)?;
    if !decoder.reader.is_empty() {
        return Err(decoder
            .reader
            .error("more bytes follow the expression")
            .into());
    }
    Ok(Expr::new(root))
}

struct Decoder<'a> {
    reader: Reader<'a>,
    /// The variables defined so far, outermost first; a variable's place is its slot.
    scope: Vec<(&'a [u8], Option<Kind>)>,
    patterns: usize,
}

/// Each pattern may compile to a megabyte.
const MAX_PATTERNS: usize = 32;

/// An operation being decoded: for errors, and for how many arguments are left to read.
struct Op {
    name: &'static str,
    at: usize,
    args: usize,
}

impl Op {
    fn needs(&self, needs: &'static str) -> ExprError {
        ExprError::Arguments {
            name: self.name,
            needs,
            at: self.at,
        }
    }

    fn takes(&self, args: usize, needs: &'static str) -> Result<(), ExprError> {
        if self.args == args {
            Ok(())
        } else {
            Err(self.needs(needs))
        }
    }

    /// Refuses an argument whose type is known and is not among `kinds`.
    fn check(&self, node: &Node, kinds: &[Kind], needs: &'static str) -> Result<(), ExprError> {
        match node.kind() {
            Some(found) if !kinds.contains(&found) => Err(ExprError::Type {
                name: self.name,
                found,
                needs,
                at: self.at,
            }),
            _ => Ok(()),
        }
    }
}

impl<'a> Decoder<'a> {
    fn node(&mut self, depth: usize) -> Result<Node, ExprError> {
        if depth > MAX_DEPTH {
            return Err(ExprError::TooDeep);
        }
        let at = self.reader.position();
        let mut ahead = self.reader.clone();
        let len = match ahead.item()? {
            Item::List(0) => {
                return Err(DecodeError {
                    offset: at,
                    what: "an empty list",
                }
                .into());
            }
            Item::List(len) => len as usize,
            Item::Ext(..) => {
                return Err(DecodeError {
                    offset: at,
                    what: "an extension is no value",
                }
                .into());
            }
            _ => return Ok(Node::Literal(self.reader.element()?.into())),
        };
        self.reader = ahead;
        let Item::Int(number) = self.reader.item()? else {
            return Err(DecodeError {
                offset: at,
                what: "a list that starts with no operation",
            }
            .into());
        };
        let Some((opcode, name)) = opcode(number) else {
            return Err(ExprError::UnknownOp { op: number, at });
        };
        let op = Op {
            name,
            at,
            args: len - 1,
        };
        self.operation(opcode, number, &op, depth + 1)
    }

    fn operation(
        &mut self,
        opcode: Opcode,
        number: i64,
        op: &Op,
        depth: usize,
    ) -> Result<Node, ExprError> {
        Ok(match opcode {
            Opcode::Call => self.call(op, number, depth)?,
            Opcode::Unsupported => {
                return Err(ExprError::Unsupported {
                    op: number,
                    name: op.name,
                    at: op.at,
                });
            }
            Opcode::Unknown => self.nullary(op, Node::Unknown)?,
            Opcode::Compare(cmp) => {
                let args = self.pair(op, depth)?;
                comparable(op, &args)?;
                Node::Compare(cmp, args)
            }
            Opcode::Regex => {
                op.takes(3, "flags, a pattern and a string")?;
                let flags = self.int(op, "flags, a pattern and a string")?;
                self.patterns += 1;
                if self.patterns > MAX_PATTERNS {
                    return Err(op.needs("no more than 32 patterns beside it in one expression"));
                }
                let pattern = Pattern::posix(self.raw()?, flags)?;
                Node::Matches(
                    pattern,
                    Box::new(self.typed(op, depth, &[Kind::Str], "string")?),
                )
            }
            Opcode::InList => {
                let args = self.pair(op, depth)?;
                op.check(&args[1], &[Kind::List], "list")?;
                Node::InList(args)
            }
            Opcode::And => Node::And(self.conditions(op, depth)?),
            Opcode::Or => Node::Or(self.conditions(op, depth)?),
            Opcode::Exclusive => Node::Exclusive(self.conditions(op, depth)?),
            Opcode::Not => {
                op.takes(1, "one condition")?;
                Node::Not(Box::new(self.typed(op, depth, &[Kind::Bool], "boolean")?))
            }
            Opcode::Fold(fold) => Node::Fold(fold, self.numbers(fold, op, depth)?),
            Opcode::Binary(binary) => {
                let args = self.pair(op, depth)?;
                let (left, right, needs) = match binary {
                    Binary::Pow | Binary::Log => (Kind::Float, Kind::Float, "float"),
                    Binary::ScanLeft | Binary::ScanRight => {
                        (Kind::Int, Kind::Bool, "integer and boolean")
                    }
                    _ => (Kind::Int, Kind::Int, "integer"),
                };
                op.check(&args[0], &[left], needs)?;
                op.check(&args[1], &[right], needs)?;
                Node::Binary(binary, args)
            }
            Opcode::Unary(unary) => {
                op.takes(1, "one argument")?;
                let (kinds, needs): (&[_], _) = match unary {
                    Unary::Abs => (&[Kind::Int, Kind::Float], "number"),
                    Unary::Floor | Unary::Ceil | Unary::ToInt => (&[Kind::Float], "float"),
                    Unary::ToFloat | Unary::IntNot | Unary::BitCount => (&[Kind::Int], "integer"),
                    Unary::MapKeys | Unary::MapValues => (&[Kind::Map], "map"),
                };
                Node::Unary(unary, Box::new(self.typed(op, depth, kinds, needs)?))
            }
            Opcode::DigestModulo => {
                op.takes(1, "an integer that is not zero")?;
                let modulo = self.int(op, "an integer that is not zero")? as i32;
                if modulo == 0 {
                    return Err(op.needs("an integer that is not zero"));
                }
                Node::Meta(Meta::DigestModulo(modulo))
            }
            Opcode::RecordSize => self.nullary(op, Node::Meta(Meta::RecordSize))?,
            Opcode::LastUpdate => self.nullary(op, Node::Meta(Meta::LastUpdate))?,
            Opcode::SinceUpdate => self.nullary(op, Node::Meta(Meta::SinceUpdate))?,
            Opcode::VoidTime => self.nullary(op, Node::Meta(Meta::VoidTime))?,
            Opcode::Ttl => self.nullary(op, Node::Meta(Meta::Ttl))?,
            Opcode::SetName => self.nullary(op, Node::Meta(Meta::SetName))?,
            Opcode::KeyExists => self.nullary(op, Node::Meta(Meta::KeyExists))?,
            Opcode::IsTombstone => self.nullary(op, Node::Meta(Meta::IsTombstone))?,
            Opcode::Key => {
                const NEEDS: &str = "the type integer, string or blob";
                op.takes(1, NEEDS)?;
                match Kind::from_wire(self.int(op, NEEDS)?) {
                    Some(kind @ (Kind::Int | Kind::Str | Kind::Blob)) => Node::Key(kind),
                    _ => return Err(op.needs(NEEDS)),
                }
            }
            Opcode::Bin => {
                const NEEDS: &str = "a type and a bin name";
                op.takes(2, NEEDS)?;
                let kind = Kind::from_wire(self.int(op, NEEDS)?).ok_or_else(|| op.needs(NEEDS))?;
                Node::Read(Path::bin(self.bin_name(op)?, Some(kind)))
            }
            Opcode::BinType => {
                op.takes(1, "a bin name")?;
                Node::BinType(self.bin_name(op)?.into())
            }
            Opcode::Cond => self.cond(op, depth)?,
            Opcode::Let => self.let_scope(op, depth)?,
            Opcode::Var => {
                op.takes(1, "a variable's name")?;
                let name = self.raw()?;
                let slot = self.slot(name).ok_or_else(|| {
                    ExprError::UndefinedVariable(String::from_utf8_lossy(name).into_owned())
                })?;
                Node::Var(slot, self.scope.get(slot).and_then(|(_, kind)| *kind))
            }
            Opcode::Quote => {
                op.takes(1, "a list")?;
                match self.reader.element()? {
                    list @ Element::List(_) => Node::Literal(list.into()),
                    _ => return Err(op.needs("a list")),
                }
            }
        })
    }

    fn nullary(&self, op: &Op, node: Node) -> Result<Node, ExprError> {
        op.takes(0, "no arguments")?;
        Ok(node)
    }

    fn pair(&mut self, op: &Op, depth: usize) -> Result<Box<[Node; 2]>, ExprError> {
        op.takes(2, "two arguments")?;
        Ok(Box::new([self.node(depth)?, self.node(depth)?]))
    }

    fn typed(
        &mut self,
        op: &Op,
        depth: usize,
        kinds: &[Kind],
        needs: &'static str,
    ) -> Result<Node, ExprError> {
        let node = self.node(depth)?;
        op.check(&node, kinds, needs)?;
        Ok(node)
    }

    fn conditions(&mut self, op: &Op, depth: usize) -> Result<Vec<Node>, ExprError> {
        if op.args < 2 {
            return Err(op.needs("two conditions or more"));
        }
        (0..op.args)
            .map(|_| self.typed(op, depth, &[Kind::Bool], "boolean"))
            .collect()
    }

    fn numbers(&mut self, fold: Fold, op: &Op, depth: usize) -> Result<Vec<Node>, ExprError> {
        if op.args == 0 {
            return Err(op.needs("one number or more"));
        }
        let (mut kinds, mut needs): (&[_], _) = match fold {
            Fold::IntAnd | Fold::IntOr | Fold::IntXor => (&[Kind::Int], "integer"),
            _ => (&[Kind::Int, Kind::Float], "number"),
        };
        let mut args = Vec::new();
        for _ in 0..op.args {
            let arg = self.typed(op, depth, kinds, needs)?;
            // The first known type is that of all.
            match arg.kind() {
                Some(Kind::Int) => (kinds, needs) = (&[Kind::Int], "integer"),
                Some(Kind::Float) => (kinds, needs) = (&[Kind::Float], "float"),
                _ => {}
            }
            args.push(arg);
        }
        Ok(args)
    }

    fn cond(&mut self, op: &Op, depth: usize) -> Result<Node, ExprError> {
        if op.args < 3 || op.args.is_multiple_of(2) {
            return Err(op.needs("pairs of condition and value, then a default"));
        }
        let mut kind = None;
        let mut value = |this: &mut Self| -> Result<Node, ExprError> {
            let value = this.node(depth)?;
            if let Some(kind) = kind {
                op.check(&value, &[kind], "value of the other cases' type")?;
            }
            kind = kind.or_else(|| value.kind());
            Ok(value)
        };
        let mut cases = Vec::new();
        for _ in 0..op.args / 2 {
            let condition = self.typed(op, depth, &[Kind::Bool], "boolean")?;
            cases.push((condition, value(self)?));
        }
        Ok(Node::Cond(cases, Box::new(value(self)?)))
    }

    fn let_scope(&mut self, op: &Op, depth: usize) -> Result<Node, ExprError> {
        if op.args < 3 || op.args.is_multiple_of(2) {
            return Err(op.needs("pairs of name and value, then an expression"));
        }
        let outer = self.scope.len();
        let mut defs = Vec::new();
        for _ in 0..op.args / 2 {
            let name = self.raw()?;
            if self.scope.len() >= MAX_VARIABLES {
                return Err(op.needs("no more than 256 variables in scope"));
            }
            if !is_variable_name(name) || self.slot(name).is_some() {
                return Err(ExprError::VariableName(
                    String::from_utf8_lossy(name).into_owned(),
                ));
            }
            let def = self.node(depth)?;
            self.scope.push((name, def.kind()));
            defs.push(def);
        }
        let scope = self.node(depth)?;
        self.scope.truncate(outer);
        Ok(Node::Let(defs, Box::new(scope)))
    }

    fn slot(&self, name: &[u8]) -> Option<usize> {
        self.scope.iter().position(|(n, _)| *n == name)
    }

    /// Reads of collections; those of bits, sketches and strings belong here too.
    fn call(&mut self, op: &Op, number: i64, depth: usize) -> Result<Node, ExprError> {
        const NEEDS: &str = "a result type, a module, an operation and a bin";
        const COLLECTIONS: i64 = 0;
        op.takes(4, NEEDS)?;
        let kind = Kind::from_wire(self.int(op, NEEDS)?).ok_or_else(|| op.needs(NEEDS))?;
        let module = self.int(op, NEEDS)?;
        let operation = self.reader.skip()?;
        match self.node(depth)? {
            Node::Read(bin) if module == COLLECTIONS && bin.steps.is_empty() => {
                call::read(kind, operation, bin)
            }
            _ => None,
        }
        .ok_or(ExprError::Unsupported {
            op: number,
            name: op.name,
            at: op.at,
        })
    }

    fn int(&mut self, op: &Op, needs: &'static str) -> Result<i64, ExprError> {
        match self.reader.item()? {
            Item::Int(i) => Ok(i),
            _ => Err(op.needs(needs)),
        }
    }

    fn bin_name(&mut self, op: &Op) -> Result<&'a [u8], ExprError> {
        let name = self.raw()?;
        if name.is_empty() || name.len() > MAX_BIN_NAME {
            return Err(op.needs("a bin name of 1 to 15 bytes"));
        }
        Ok(name)
    }

    fn raw(&mut self) -> Result<&'a [u8], ExprError> {
        Ok(self.reader.raw_bytes()?)
    }
}

fn comparable(op: &Op, args: &[Node; 2]) -> Result<(), ExprError> {
    const NEEDS: &str = "value that compares with the other";
    let ordered = [
        Kind::Nil,
        Kind::Bool,
        Kind::Int,
        Kind::Str,
        Kind::List,
        Kind::Map,
        Kind::Blob,
        Kind::Float,
    ];
    op.check(&args[0], &ordered, NEEDS)?;
    match args[0].kind() {
        Some(kind) => op.check(&args[1], &[kind], NEEDS),
        None => op.check(&args[1], &ordered, NEEDS),
    }
}
