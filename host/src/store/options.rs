//! How records are kept on disk.

/// What a commit has survived once it returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Durability {
    /// The process's end, however it comes: the write is with the operating system. What the
    /// last seconds wrote may be gone after a power loss; what is left is consistent.
    #[default]
    Buffered,
    /// A power loss too: the write is on the disk. Commits that come at the same time share
    /// one disk flush.
    Synced,
}

/// How a data directory is used.
#[derive(Clone, Copy, Debug)]
pub struct DurableOptions {
    /// What a commit survives.
    pub durability: Durability,
    /// Most bytes of disk blocks kept in memory for reads, all namespaces together.
    pub cache_bytes: u64,
    /// Bytes of recent writes one namespace keeps in memory before it writes a table file.
    /// Up to five times this is in use while the disk is behind.
    pub memtable_bytes: u64,
    /// Most bytes of journal on disk (64 MiB at least); a restart replays up to this much.
    pub journal_bytes: u64,
    /// Threads that write and compact table files (1 at least).
    pub threads: usize,
}

impl Default for DurableOptions {
    fn default() -> Self {
        Self {
            durability: Durability::default(),
            cache_bytes: 128 << 20,
            memtable_bytes: 32 << 20,
            journal_bytes: 256 << 20,
            threads: 2,
        }
    }
}
