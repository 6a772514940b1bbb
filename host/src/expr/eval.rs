//! Evaluating a tree against one record.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::arith;
use super::compare::{compare, contains};
use super::kind::Kind;
use super::node::Node;
use super::operand::Operand;
use super::operator::{Fold, Unary};
use super::view::View;
use crate::cdt::map;
use crate::model::msgpack::DecodeError;

/// One evaluation: the view, and the variables of the enclosing `let`s.
///
/// The depth of the tree is bounded when it is built, so recursion is too.
pub(super) struct Eval<'a> {
    view: &'a View<'a>,
    vars: SmallVec<[Option<Operand<'a>>; 8]>,
}

impl<'a> Eval<'a> {
    pub(super) fn new(view: &'a View<'a>) -> Self {
        Self {
            view,
            vars: SmallVec::new(),
        }
    }

    /// The node's value; `None` is the protocol's "unknown".
    pub(super) fn eval(&mut self, node: &'a Node) -> Option<Operand<'a>> {
        match node {
            Node::Unknown => None,
            Node::Literal(value) => Some(Operand::from_value(value)),
            Node::Read(path) => path.read(self.view),
            Node::Exists(path) => path.exists(self.view).map(Operand::Bool),
            Node::Count(path) => path.count(self.view).map(Operand::Int),
            Node::Meta(meta) => meta.read(self.view),
            Node::Compare(cmp, args) => {
                let [left, right] = self.both(args)?;
                compare(*cmp, &left, &right).map(Operand::Bool)
            }
            Node::InList(args) => match self.both(args)? {
                [value, Operand::List(list)] => contains(&list, &value).map(Operand::Bool),
                _ => None,
            },
            Node::Matches(pattern, arg) => match self.eval(arg)? {
                Operand::Str(text) => Some(Operand::Bool(pattern.is_match(text))),
                _ => None,
            },
            Node::And(args) => self.until(args, false).map(Operand::Bool),
            Node::Or(args) => self.until(args, true).map(Operand::Bool),
            Node::Not(arg) => self.truth(arg).map(|b| Operand::Bool(!b)),
            Node::Exclusive(args) => self.exclusive(args).map(Operand::Bool),
            Node::Fold(op, args) => self.fold(*op, args),
            Node::Binary(op, args) => {
                let [left, right] = self.both(args)?;
                arith::binary(*op, &left, &right)
            }
            Node::Unary(Unary::MapKeys, arg) => self.map_part(arg, map::keys),
            Node::Unary(Unary::MapValues, arg) => self.map_part(arg, map::values),
            Node::Unary(op, arg) => arith::unary(*op, &self.eval(arg)?),
            Node::Key(kind) => self.key(*kind),
            Node::BinType(name) => {
                let bin = self.view.record?.body.bin(name);
                Some(Operand::Int(bin.map_or(0, |p| p.kind.0.into())))
            }
            Node::Cond(cases, default) => {
                for (condition, value) in cases {
                    if self.truth(condition)? {
                        return self.eval(value);
                    }
                }
                self.eval(default)
            }
            Node::Let(defs, scope) => {
                let outer = self.vars.len();
                for def in defs {
                    let value = self.eval(def);
                    self.vars.push(value);
                }
                let result = self.eval(scope);
                self.vars.truncate(outer);
                result
            }
            Node::Var(slot, _) => self.vars.get(*slot)?.clone(),
        }
    }

    fn both(&mut self, args: &'a [Node; 2]) -> Option<[Operand<'a>; 2]> {
        let [left, right] = args;
        Some([self.eval(left)?, self.eval(right)?])
    }

    fn map_part(
        &mut self,
        arg: &'a Node,
        part: fn(&[u8]) -> Result<Vec<u8>, DecodeError>,
    ) -> Option<Operand<'a>> {
        match self.eval(arg)? {
            Operand::Map(map) => Some(Operand::List(Cow::Owned(part(map).ok()?))),
            _ => None,
        }
    }

    fn truth(&mut self, node: &'a Node) -> Option<bool> {
        match self.eval(node)? {
            Operand::Bool(b) => Some(b),
            _ => None,
        }
    }

    /// `and` stops at the first false, `or` at the first true, even past an unknown.
    fn until(&mut self, args: &'a [Node], stop: bool) -> Option<bool> {
        let mut result = Some(!stop);
        for arg in args {
            match self.truth(arg) {
                Some(b) if b == stop => return Some(stop),
                Some(_) => {}
                None => result = None,
            }
        }
        result
    }

    fn exclusive(&mut self, args: &'a [Node]) -> Option<bool> {
        let mut found = false;
        for arg in args {
            let truth = self.truth(arg)?;
            if truth && found {
                return Some(false);
            }
            found |= truth;
        }
        Some(found)
    }

    fn fold(&mut self, op: Fold, args: &'a [Node]) -> Option<Operand<'a>> {
        let (first, rest) = args.split_first()?;
        let first = self.eval(first)?;
        if rest.is_empty() {
            return arith::alone(op, first);
        }
        if op != Fold::Div {
            return rest
                .iter()
                .try_fold(first, |acc, arg| arith::fold(op, &acc, &self.eval(arg)?));
        }
        // The protocol divides by the product of all divisors.
        let (divisor, more) = rest.split_first()?;
        let divisor = self.eval(divisor)?;
        let product = more.iter().try_fold(divisor, |acc, arg| {
            arith::fold(Fold::Mul, &acc, &self.eval(arg)?)
        })?;
        arith::fold(Fold::Div, &first, &product)
    }

    fn key(&self, kind: Kind) -> Option<Operand<'a>> {
        let key = self.view.record?.body.user_key()?;
        if !kind.holds(key.kind) {
            return None;
        }
        Operand::from_particle(key)
    }
}
