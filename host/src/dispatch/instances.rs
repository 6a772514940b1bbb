//! The instances that one worker keeps between batches: one of each module it ran.

use std::sync::Arc;

use crate::udf::{Instance, Registered, Registry, UdfError, UdfErrorKind};

/// A module and an instance of it.
pub struct Ready {
    /// The module.
    pub registered: Arc<Registered>,
    /// The instance.
    pub instance: Box<dyn Instance>,
}

/// Instances of the modules that calls run now.
pub struct Instances {
    kept: Vec<Ready>,
    /// How many modules it keeps instances of.
    most: usize,
    /// [`Registry::epoch`] when those kept were last seen to be current.
    epoch: u64,
}

impl Instances {
    /// Nothing kept yet, and at most one instance each of `most` modules ever.
    pub fn new(most: usize) -> Self {
        Self {
            kept: Vec::new(),
            most,
            epoch: 0,
        }
    }

    /// Takes the instance of the module that calls of `package` run now, making one if need be.
    ///
    /// # Errors
    /// [`UdfError`] when there is no such module, or its instance cannot be made.
    pub fn take(&mut self, registry: &Registry, package: &str) -> Result<Ready, UdfError> {
        self.drop_replaced(registry);
        let is = |ready: &Ready| ready.registered.source.package == package;
        if let Some(at) = self.kept.iter().position(is) {
            return Ok(self.kept.swap_remove(at));
        }
        let registered = find(registry, package)?;
        Ok(Ready {
            instance: registered.module.instantiate()?,
            registered,
        })
    }

    /// Keeps an instance for the next batch.
    pub fn keep(&mut self, ready: Ready) {
        if self.kept.len() >= self.most {
            self.kept.clear();
        }
        self.kept.push(ready);
    }

    /// Drops the instances of modules that the registry no longer runs.
    fn drop_replaced(&mut self, registry: &Registry) {
        let epoch = registry.epoch();
        if self.epoch != epoch {
            self.kept.retain(|ready| {
                let now = registry.find(&ready.registered.source.package);
                now.is_some_and(|now| Arc::ptr_eq(&now, &ready.registered))
            });
            self.epoch = epoch;
        }
    }
}

/// The module that calls of `package` run now.
///
/// # Errors
/// [`UdfErrorKind::FunctionNotFound`] when there is none.
pub fn find(registry: &Registry, package: &str) -> Result<Arc<Registered>, UdfError> {
    registry.find(package).ok_or_else(|| {
        UdfError::new(
            UdfErrorKind::FunctionNotFound,
            format!("module {package} is not registered; register it, or see the list of modules for its name"),
        )
    })
}
