//! The connection to a server, and its info commands.

use std::sync::Arc;

use aerospike::{AdminPolicy, Client, ClientPolicy, Node};

use super::error::CliError;
use super::global::GlobalArgs;

/// Milliseconds until an info command or a first connection is given up.
const TIMEOUT_MS: u32 = 10_000;

/// A connected client.
pub struct Server {
    /// The official client.
    pub client: Client,
}

impl Server {
    /// Connects to the server that the command line names.
    pub async fn connect(global: &GlobalArgs) -> Result<Self, CliError> {
        let policy = ClientPolicy {
            timeout: TIMEOUT_MS,
            connect_timeout: 3_000,
            ..ClientPolicy::default()
        };
        let host = global.address();
        let failed = |reason: String| CliError::Connect {
            host: host.clone(),
            // The client's message runs over several lines.
            reason: reason.split_whitespace().collect::<Vec<_>>().join(" "),
        };
        let client = Client::new(&policy, &host)
            .await
            .map_err(|error| failed(super::error::client_message(&error)))?;
        if client.nodes().is_empty() {
            return Err(failed("no node answers".to_owned()));
        }
        Ok(Self { client })
    }

    /// The policy of administrative commands.
    pub fn admin() -> AdminPolicy {
        AdminPolicy {
            timeout: TIMEOUT_MS,
        }
    }

    /// One node's reply to an info command.
    pub async fn info(&self, node: &Arc<Node>, command: &str) -> Result<String, CliError> {
        let reply = node
            .info(&Self::admin(), &[command])
            .await
            .map_err(|error| CliError::from_client(command, &error))?;
        // There is one reply; servers repeat the command as its name, but need not do so exactly.
        Ok(reply
            .into_iter()
            .next()
            .map(|(_, text)| text)
            .unwrap_or_default())
    }

    /// Every node's reply to an info command.
    pub async fn info_all(&self, command: &str) -> Result<Vec<String>, CliError> {
        let mut replies = Vec::new();
        for node in self.client.nodes() {
            replies.push(self.info(&node, command).await?);
        }
        Ok(replies)
    }
}

/// The value of `name` in a reply like `a=1:b=2`, its fields parted by `separator`.
pub fn field<'a>(reply: &'a str, separator: char, name: &str) -> Option<&'a str> {
    reply.split(separator).find_map(|part| {
        let (key, value) = part.split_once('=')?;
        (key == name).then_some(value)
    })
}

/// The code and message of a reply that is an error: `ERROR:2:message`, `FAIL:…`, `error=…`.
pub fn reply_error(reply: &str) -> Option<(Option<u32>, String)> {
    if let Some(rest) = reply.strip_prefix("error=") {
        return Some((None, rest.replace(';', ", ")));
    }
    let head = reply.split([':', '=']).next().unwrap_or_default();
    if !head.eq_ignore_ascii_case("error") && !head.eq_ignore_ascii_case("fail") {
        return None;
    }
    let rest = reply.get(head.len() + 1..).unwrap_or_default();
    let (code, message) = match rest.split_once(':') {
        Some((code, message)) => (code.parse().ok(), message),
        None => (rest.parse().ok(), rest),
    };
    Some((code, message.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let reply = "trid=5:time-since-done=3:status=done(ok)";
        assert_eq!(field(reply, ':', "status"), Some("done(ok)"));
        assert_eq!(field(reply, ':', "done"), None);
    }

    #[test]
    fn errors_are_told_from_replies() {
        assert_eq!(
            reply_error("ERROR:2:job not found"),
            Some((Some(2), "job not found".to_owned()))
        );
        assert_eq!(
            reply_error("error=not_found"),
            Some((None, "not_found".to_owned()))
        );
        assert_eq!(reply_error("FAIL"), Some((None, String::new())));
        assert_eq!(reply_error("ok"), None);
        assert_eq!(reply_error("errors=none"), None);
    }
}
