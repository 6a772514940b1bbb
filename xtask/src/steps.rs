//! Named and timed steps, one after the other, with a summary at the end.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// The steps that ran so far.
#[derive(Default)]
pub struct Steps {
    done: Vec<Step>,
}

struct Step {
    name: &'static str,
    time: Duration,
    failure: Option<String>,
}

impl Steps {
    /// Runs a step and notes how it ended; a failure does not stop the steps after it.
    pub fn run(&mut self, name: &'static str, work: impl FnOnce() -> Result<()>) {
        println!("\n==> {name}");
        let start = Instant::now();
        let failure = work().err().map(|error| format!("{error:#}"));
        let step = Step {
            name,
            time: start.elapsed(),
            failure,
        };
        println!("{}", step.line());
        self.done.push(step);
    }

    /// Runs a step that makes sense only if the steps named in `needs` passed.
    pub fn run_after(
        &mut self,
        needs: &[&str],
        name: &'static str,
        work: impl FnOnce() -> Result<()>,
    ) {
        let broken = self
            .done
            .iter()
            .find(|step| step.failure.is_some() && needs.contains(&step.name))
            .map(|step| step.name);
        self.run(name, || match broken {
            Some(step) => bail!("not run: it needs \"{step}\", which failed"),
            None => work(),
        });
    }

    /// Prints every step and the counts; an error if one failed.
    pub fn finish(self) -> Result<()> {
        println!("\n==> summary");
        for step in &self.done {
            println!("{}", step.line());
        }
        let failed = self
            .done
            .iter()
            .filter(|step| step.failure.is_some())
            .count();
        println!("{} passed, {failed} failed", self.done.len() - failed);
        if failed > 0 {
            bail!("{failed} of {} steps failed", self.done.len());
        }
        Ok(())
    }
}

impl Step {
    fn line(&self) -> String {
        let seconds = self.time.as_secs_f64();
        match &self.failure {
            None => format!("ok      {:<24} {seconds:>8.1} s", self.name),
            Some(why) => format!("FAILED  {:<24} {seconds:>8.1} s  {why}", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_whose_need_failed_is_not_run() {
        let mut steps = Steps::default();
        steps.run("first", || bail!("broken"));
        let mut ran = false;
        steps.run_after(&["first"], "second", || {
            ran = true;
            Ok(())
        });
        assert!(!ran);
        assert!(steps.finish().is_err());
    }

    #[test]
    fn steps_that_pass_finish_well() {
        let mut steps = Steps::default();
        steps.run("first", || Ok(()));
        steps.run_after(&["first"], "second", || Ok(()));
        assert!(steps.finish().is_ok());
    }
}
