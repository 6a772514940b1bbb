//! The Lua runtime and its modules.

use std::sync::Arc;

use super::instance::LuaInstance;
use super::module::LuaModule;
use crate::udf::{
    Allowance, CompileError, FunctionInfo, Instance, Module, ModuleSource, Runtime, Sources,
    UdfError,
};

/// Runs Lua 5.4 modules.
pub struct LuaRuntime {
    sources: Arc<dyn Sources>,
}

impl LuaRuntime {
    /// A runtime whose modules can `require` what `sources` finds.
    pub fn new(sources: Arc<dyn Sources>) -> Self {
        Self { sources }
    }
}

impl Runtime for LuaRuntime {
    fn name(&self) -> &'static str {
        "LUA"
    }

    /// Whatever may be text; compiling tells what is wrong with it.
    fn accepts(&self, bytes: &[u8]) -> bool {
        bytes.first() != Some(&0)
    }

    fn compile(
        &self,
        source: ModuleSource,
        allowance: &Allowance,
    ) -> Result<Arc<dyn Module>, CompileError> {
        let module = LuaModule::new(source, Arc::clone(&self.sources), allowance.clone())?;
        Ok(Arc::new(Handle(Arc::new(module))))
    }
}

/// What a registry holds; instances share the module behind it.
struct Handle(Arc<LuaModule>);

impl Module for Handle {
    fn functions(&self) -> Vec<FunctionInfo> {
        self.0.functions().to_vec()
    }

    fn instantiate(&self) -> Result<Box<dyn Instance>, UdfError> {
        Ok(Box::new(LuaInstance::new(Arc::clone(&self.0))))
    }
}
