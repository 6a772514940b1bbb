//! Whose turn it is when there are fewer cores than threads that want one.

/// How much nicer than the network's threads those are that run functions.
#[cfg(target_os = "linux")]
const NICER: i32 = 10;

/// Lets the network's threads go before the calling one, which may run user code for long: else
/// a get that arrives while functions loop on every core waits for the scheduler's next slice.
pub fn after_the_network() {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: the call touches no memory of ours; on Linux `who` 0 is the calling thread alone.
        let lowered = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICER) };
        if lowered != 0 {
            let error = std::io::Error::last_os_error();
            tracing::warn!("function threads keep the network's priority: {error}");
        }
    }
}
