//! The instances that one worker keeps between batches: one of each module it ran.

use std::collections::HashMap;
use std::sync::Arc;

use crate::udf::{Instance, Registered, Registry, UdfError, UdfErrorKind};

/// A module and an instance of it.
pub struct Ready {
    /// The module.
    pub registered: Arc<Registered>,
    /// The instance.
    pub instance: Box<dyn Instance>,
}

/// Instances by module.
pub struct Instances {
    kept: HashMap<usize, Ready>,
    /// How many modules it keeps instances of.
    most: usize,
}

/// A module's address tells it apart from every other as long as somebody keeps it.
fn key(registered: &Arc<Registered>) -> usize {
    Arc::as_ptr(registered).addr()
}

impl Instances {
    /// Nothing kept yet, and at most one instance each of `most` modules ever.
    pub fn new(most: usize) -> Self {
        Self {
            kept: HashMap::new(),
            most,
        }
    }

    /// Takes the instance of the module that calls of `package` run now, making one if need be.
    ///
    /// # Errors
    /// [`UdfError`] when there is no such module, or its instance cannot be made.
    pub fn take(&mut self, registry: &Registry, package: &str) -> Result<Ready, UdfError> {
        let registered = registry.find(package).ok_or_else(|| {
            UdfError::new(
                UdfErrorKind::FunctionNotFound,
                format!("module {package} is not registered; register it, or see the list of modules for its name"),
            )
        })?;
        match self.kept.remove(&key(&registered)) {
            Some(ready) => Ok(ready),
            None => Ok(Ready {
                instance: registered.module.instantiate()?,
                registered,
            }),
        }
    }

    /// Keeps an instance for the next batch.
    pub fn keep(&mut self, ready: Ready) {
        if self.kept.len() >= self.most {
            self.kept.clear();
        }
        self.kept.insert(key(&ready.registered), ready);
    }

    /// Drops the instances of modules that the registry no longer runs.
    pub fn drop_replaced(&mut self, registry: &Registry) {
        self.kept.retain(|_, ready| {
            let now = registry.find(&ready.registered.source.package);
            now.is_some_and(|now| Arc::ptr_eq(&now, &ready.registered))
        });
    }
}
