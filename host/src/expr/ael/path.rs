//! Bins, elements inside them, and metadata: what follows `$.`.

use winnow::Parser;
use winnow::token::take_while;

use super::build::Term;
use super::error::Fail;
use super::input::{
    Input, Parsed, at, eat, eat_spaced, is_name_char, name, need, rest, space, word,
};
use super::literal::{signed_int, string};
use crate::expr::kind::Kind;
use crate::expr::meta::Meta;
use crate::expr::node::Node;
use crate::expr::operator::Unary;
use crate::expr::path::{Path, Step};
use crate::model::{MAX_BIN_NAME, Value};

const METADATA: &str = "a metadata function: deviceSize, memorySize, recordSize, isTombstone, \
     keyExists, lastUpdate, sinceUpdate, setName, ttl, voidTime or digestModulo";
const FUNCTION: &str =
    "a function that this host evaluates on bins: exists(), count(), asInt(), asFloat() or get(…)";
const LIST_STEP: &str =
    "an index, [0], or a rank, [#0]; this host does not evaluate ranges and values in paths";
const MAP_STEP: &str = "an index, {0}, or a rank, {#0}; this host does not evaluate ranges, values and lists of keys in paths";

/// A path or a metadata function, behind `$.`.
pub(super) fn path(input: &mut Input<'_>, start: usize) -> Parsed<Term> {
    let place = at(input);
    let bin = bin_name(input)?;
    if rest(input).starts_with('(') {
        return metadata(input, bin, place).map(|meta| Term::leaf(start, Node::Meta(meta)));
    }
    if bin.is_empty() {
        return Err(Fail::new(place, "the name of a bin"));
    }
    if bin.len() > MAX_BIN_NAME {
        return Err(Fail::new(
            place,
            format!("the name of a bin, at most {MAX_BIN_NAME} bytes long"),
        ));
    }
    let mut path = Path::bin(bin.as_bytes(), None);
    while eat(input, ".")? {
        let place = at(input);
        let text = rest(input);
        let function = word(text);
        if !function.is_empty()
            && text
                .get(function.len()..)
                .is_some_and(|t| t.starts_with('('))
        {
            return path_function(input, path, start);
        }
        if path.steps.len() >= crate::model::msgpack::MAX_DEPTH {
            return Err(Fail::new(place, "fewer steps: no value nests so deep"));
        }
        path.steps.push(step(input)?);
    }
    Ok(Term::leaf(start, Node::Read(path)))
}

fn bin_name<'i>(input: &mut Input<'i>) -> Parsed<&'i str> {
    if rest(input).starts_with(['\'', '"']) {
        return string(input);
    }
    take_while(0.., |c| is_name_char(c) || c == '@').parse_next(input)
}

fn metadata(input: &mut Input<'_>, function: &str, place: usize) -> Parsed<Meta> {
    need(input, "(", "'('")?;
    let meta = match function {
        "deviceSize" | "memorySize" | "recordSize" => Meta::RecordSize,
        "isTombstone" => Meta::IsTombstone,
        "keyExists" => Meta::KeyExists,
        "lastUpdate" => Meta::LastUpdate,
        "sinceUpdate" => Meta::SinceUpdate,
        "setName" => Meta::SetName,
        "ttl" => Meta::Ttl,
        "voidTime" => Meta::VoidTime,
        "digestModulo" => {
            const MODULO: &str = "an integer of 32 bits that is not zero";
            space(input)?;
            let place = at(input);
            let modulo = i32::try_from(signed_int(input, MODULO)?)
                .ok()
                .filter(|m| *m != 0);
            Meta::DigestModulo(modulo.ok_or_else(|| Fail::new(place, MODULO))?)
        }
        _ => return Err(Fail::new(place, METADATA)),
    };
    need(input, ")", "')'")?;
    Ok(meta)
}

/// One step into a list or map, behind its dot.
fn step(input: &mut Input<'_>) -> Parsed<Step> {
    let text = rest(input);
    match text.chars().next() {
        Some('[') => {
            eat(input, "[")?;
            if eat_spaced(input, "]")? {
                return Ok(Step::IsList);
            }
            let step = if eat(input, "#")? {
                Step::ListRank(signed_int(input, LIST_STEP)?)
            } else {
                Step::ListIndex(signed_int(input, LIST_STEP)?)
            };
            need(input, "]", LIST_STEP)?;
            Ok(step)
        }
        Some('{') => {
            eat(input, "{")?;
            if eat_spaced(input, "}")? {
                return Ok(Step::IsMap);
            }
            let step = if eat(input, "#")? {
                Step::MapRank(signed_int(input, MAP_STEP)?)
            } else {
                Step::MapIndex(signed_int(input, MAP_STEP)?)
            };
            need(input, "}", MAP_STEP)?;
            Ok(step)
        }
        Some('\'' | '"') => Ok(Step::MapKey(Value::from(string(input)?))),
        Some('+' | '-') => Ok(Step::MapKey(Value::Int(signed_int(input, "a map key")?))),
        _ => map_key(input),
    }
}

/// A key that looks like an integer is one; in quotes it is a string.
fn map_key(input: &mut Input<'_>) -> Parsed<Step> {
    let key = word(rest(input));
    let is_int =
        |digits: &str, radix| !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
    let prefixed = |prefixes: [&str; 2], radix| {
        prefixes.iter().any(|p| {
            key.strip_prefix(p)
                .is_some_and(|digits| is_int(digits, radix))
        })
    };
    if is_int(key, 10) || prefixed(["0x", "0X"], 16) || prefixed(["0b", "0B"], 2) {
        return Ok(Step::MapKey(Value::Int(signed_int(input, "a map key")?)));
    }
    if key.is_empty() {
        return Err(Fail::new(
            at(input),
            "a map key, a list index like [0], or a function like exists()",
        ));
    }
    Ok(Step::MapKey(Value::from(name(input)?)))
}

/// A function that ends a path.
fn path_function(input: &mut Input<'_>, mut path: Path, start: usize) -> Parsed<Term> {
    let place = at(input);
    let function = name(input)?;
    need(input, "(", "'('")?;
    let node = match function {
        "exists" => Node::Exists(path),
        "count" => Node::Count(path),
        "asInt" => Node::Unary(Unary::ToInt, Box::new(Node::Read(path))),
        "asFloat" => Node::Unary(Unary::ToFloat, Box::new(Node::Read(path))),
        "get" => get(input, &mut path)?(path),
        _ => {
            return Err(Fail::new(place, FUNCTION).found(format!("the function '{function}'")));
        }
    };
    need(input, ")", "')'")?;
    Ok(Term::leaf(start, node))
}

/// The parameters of `get`: the type of the value, and what to return of it.
fn get(input: &mut Input<'_>, path: &mut Path) -> Parsed<fn(Path) -> Node> {
    let mut node: fn(Path) -> Node = Node::Read;
    space(input)?;
    while !rest(input).starts_with(')') {
        let place = at(input);
        let parameter = name(input)?;
        need(input, ":", "'type:' or 'return:'")?;
        space(input)?;
        let value_at = at(input);
        let value = name(input)?;
        match (parameter, value) {
            ("type", kind) => {
                const KINDS: &str = "a type: INT, FLOAT, STRING, BOOL, BLOB, LIST, MAP, GEO or HLL";
                path.kind = Some(Kind::from_text(kind).ok_or_else(|| Fail::new(value_at, KINDS))?);
            }
            ("return", "VALUE") => {}
            ("return", "EXISTS") => node = Node::Exists,
            ("return", _) => {
                return Err(Fail::new(
                    value_at,
                    "VALUE or EXISTS, which are what this host returns",
                ));
            }
            _ => return Err(Fail::new(place, "'type:' or 'return:'")),
        }
        if !eat_spaced(input, ",")? {
            space(input)?;
            break;
        }
        space(input)?;
    }
    Ok(node)
}
