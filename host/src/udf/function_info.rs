//! What a module says about what it offers.

use std::collections::HashSet;
use std::fmt::{Display, Formatter, Result};

use serde::{Deserialize, Serialize};

/// A function or an aggregation of a module. Only its name is sure to be known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FunctionInfo {
    /// The name a call uses.
    pub name: String,
    /// How many arguments it takes beside the record, where the module says so.
    pub arguments: Option<usize>,
    /// Whether it is an aggregation over a query, where the module says so.
    pub aggregation: bool,
    /// Its documentation: in Rust its doc comment, in Lua the comment above it. Empty for none.
    pub doc: String,
    /// The arguments beside the record, where the module names them. In Lua, where any may be left
    /// out or added, `...` stands for any number of them.
    pub parameters: Option<Vec<Parameter>>,
    /// The type of what it returns, where the module says so.
    pub returns: Option<String>,
    /// The bins that it reads, where the module says so.
    pub reads: Option<Vec<String>>,
    /// The bins that it sets, where the module says so.
    pub writes: Option<Vec<String>>,
}

/// The first whose name another one has too, so that a call could mean either.
pub(super) fn ambiguous(functions: &[FunctionInfo]) -> Option<&FunctionInfo> {
    let mut names = HashSet::new();
    functions
        .iter()
        .find(|f| !names.insert((f.name.as_str(), f.aggregation)))
}

/// An argument of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its type in the author's language, where the language has such: `i64`, `Option<String>`.
    #[serde(rename = "type")]
    pub ty: Option<String>,
}

impl Display for Parameter {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match &self.ty {
            Some(ty) => write!(f, "{}: {ty}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// Writes how it is called: `bump(n: i64) -> i64`, `bump(n)` in Lua.
impl Display for FunctionInfo {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}(", self.name)?;
        match (&self.parameters, self.arguments) {
            (Some(parameters), _) => {
                for (i, parameter) in parameters.iter().enumerate() {
                    let comma = if i > 0 { ", " } else { "" };
                    write!(f, "{comma}{parameter}")?;
                }
            }
            (None, Some(0)) => {}
            (None, Some(1)) => f.write_str("1 argument")?,
            (None, Some(n)) => write!(f, "{n} arguments")?,
            (None, None) => f.write_str("...")?,
        }
        f.write_str(")")?;
        match self.returns.as_deref() {
            None | Some("()") => Ok(()),
            Some(returns) => write!(f, " -> {returns}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(name: &str, ty: Option<&str>) -> Parameter {
        Parameter {
            name: name.into(),
            ty: ty.map(Into::into),
        }
    }

    #[test]
    fn a_signature_tells_what_is_known() {
        let mut info = FunctionInfo {
            name: "bump".into(),
            ..FunctionInfo::default()
        };
        assert_eq!(info.to_string(), "bump(...)");
        info.arguments = Some(2);
        assert_eq!(info.to_string(), "bump(2 arguments)");
        info.parameters = Some(vec![parameter("n", None), parameter("...", None)]);
        assert_eq!(info.to_string(), "bump(n, ...)");
        info.parameters = Some(vec![parameter("n", Some("i64"))]);
        info.returns = Some("Option<i64>".into());
        assert_eq!(info.to_string(), "bump(n: i64) -> Option<i64>");
    }
    #[test]
    fn two_of_a_kind_with_one_name_are_ambiguous() {
        let info = |name: &str, aggregation| FunctionInfo {
            name: name.into(),
            aggregation,
            ..FunctionInfo::default()
        };
        let mut functions = vec![info("a", false), info("b", false), info("a", true)];
        assert_eq!(ambiguous(&functions), None);
        functions.push(info("b", false));
        assert_eq!(ambiguous(&functions), Some(&functions[1]));
    }
}
