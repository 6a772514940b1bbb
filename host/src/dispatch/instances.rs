//! The instances that one worker keeps between batches: one of each module it ran.

use std::collections::HashMap;
use std::sync::Arc;

use crate::udf::{Instance, Registered, Registry, UdfError, UdfErrorKind};

/// How many modules one worker keeps instances of.
const MAX_INSTANCES: usize = 32;

/// A module and an instance of it.
pub struct Ready {
    /// The module.
    pub registered: Arc<Registered>,
    /// The instance.
    pub instance: Box<dyn Instance>,
}

/// Instances by module.
#[derive(Default)]
pub struct Instances(HashMap<usize, Ready>);

/// A module's address tells it apart from every other as long as somebody keeps it.
fn key(registered: &Arc<Registered>) -> usize {
    Arc::as_ptr(registered).addr()
}

impl Instances {
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
        match self.0.remove(&key(&registered)) {
            Some(ready) => Ok(ready),
            None => Ok(Ready {
                instance: registered.module.instantiate()?,
                registered,
            }),
        }
    }

    /// Keeps an instance for the next batch.
    pub fn keep(&mut self, ready: Ready) {
        if self.0.len() >= MAX_INSTANCES {
            self.0.clear();
        }
        self.0.insert(key(&ready.registered), ready);
    }

    /// Drops the instances of modules that the registry no longer runs.
    pub fn drop_replaced(&mut self, registry: &Registry) {
        self.0.retain(|_, ready| {
            let now = registry.find(&ready.registered.source.package);
            now.is_some_and(|now| Arc::ptr_eq(&now, &ready.registered))
        });
    }
}
