//! One info command taken apart, and the error texts of answers.

use crate::model::ResultCode;

/// A command: `NAME/ARGUMENT:key=value;key=value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params<'a> {
    /// Its name.
    pub name: &'a str,
    /// What follows the slash.
    pub argument: &'a str,
    list: &'a str,
}

impl<'a> Params<'a> {
    /// Takes a line apart.
    pub fn parse(line: &'a str) -> Self {
        let end = line.find(['/', ':']).unwrap_or(line.len());
        let (name, rest) = line.split_at(end);
        let (argument, list) = match rest.strip_prefix('/') {
            Some(rest) => rest.split_once(':').unwrap_or((rest, "")),
            None => ("", rest.strip_prefix(':').unwrap_or("")),
        };
        Self {
            name,
            argument,
            list,
        }
    }

    /// The value of a key, if it is there and not empty.
    pub fn get(&self, key: &str) -> Option<&'a str> {
        self.values(key).find(|v| !v.is_empty())
    }

    /// The value of a key, if it is there; it may be empty.
    pub fn value(&self, key: &str) -> Option<&'a str> {
        self.values(key).next()
    }

    fn values(&self, key: &str) -> impl Iterator<Item = &'a str> {
        let pairs = self.list.split(';').filter_map(|pair| pair.split_once('='));
        pairs.filter(move |(k, _)| *k == key).map(|(_, v)| v)
    }

    /// The value of the first of several keys.
    pub fn any(&self, keys: &[&str]) -> Option<&'a str> {
        keys.iter().find_map(|key| self.get(key))
    }
}

/// What a command came to: the text after the tab, or an error.
pub type Answer = Result<String, String>;

/// An error's text, as clients parse it: `ERROR:CODE:message`.
pub fn error(code: ResultCode, message: impl std::fmt::Display) -> String {
    format!("ERROR:{}:{message}", code.value())
}

/// The error for a parameter that is missing.
pub fn missing(key: &str) -> String {
    error(
        ResultCode::ParameterError,
        format_args!("missing '{key}' parameter"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_has_name_argument_and_parameters() {
        let p = Params::parse("sets/test");
        assert_eq!((p.name, p.argument), ("sets", "test"));
        let p = Params::parse("query-show:trid=7;x=");
        assert_eq!(
            (p.name, p.argument, p.get("trid")),
            ("query-show", "", Some("7"))
        );
        assert_eq!(p.get("x"), None);
        let p = Params::parse("udf-put:filename=a/b.lua;content=YQ==;");
        assert_eq!(p.get("content"), Some("YQ=="));
        assert_eq!(p.any(&["file", "filename"]), Some("a/b.lua"));
    }

    #[test]
    fn errors_carry_their_code() {
        assert_eq!(missing("id"), "ERROR:4:missing 'id' parameter");
    }
}
