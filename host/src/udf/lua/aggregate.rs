//! Aggregations: a module's stream function opens one, and records go through its operations as
//! they come. What an operation does is in `stream.lua`; here is what goes in and comes out.

use std::ffi::c_int;
use std::ptr;
use std::sync::Arc;

use mlua::ffi::*;

use super::arguments::Arguments;
use super::failure::{failure, on_error, placed};
use super::feed::Refused;
use super::module::LuaModule;
use super::object::push_str;
use super::slot::Slot;
use super::state::State;
use super::stream::{advance, emit, partials};
use super::watchdog::OnDuty;
use crate::change::{RecordContext, Scope};
use crate::model::Value;
use crate::udf::{Aggregator, Budget, UdfError, UdfErrorKind};

/// The functions of an open aggregation, in the order in which `stream.lua` gives them.
#[derive(Clone, Copy)]
enum Function {
    Fold,
    Take,
    Merge,
    Finish,
}

/// An aggregation and the state that it lives in, which is nobody else's.
pub(super) struct Aggregation {
    module: Arc<LuaModule>,
    state: State,
    /// Places in the registry, by [`Function`].
    functions: [c_int; 4],
    /// A failure lost what the state held.
    failed: bool,
}

impl Aggregation {
    /// The memory that its state holds, in bytes.
    pub(super) fn memory(&self) -> usize {
        self.state.memory()
    }

    /// Calls the stream function, in a state of its own.
    ///
    /// # Errors
    /// [`UdfErrorKind::FunctionNotFound`]; that the function fails, or returns no stream.
    pub(super) fn open(
        module: &Arc<LuaModule>,
        function: &str,
        arguments: &Arguments,
        budget: &Budget,
    ) -> Result<Self, UdfError> {
        let state = module.state(None)?;
        if !state.has(function) {
            let text = "function not found";
            return Err(UdfError::new(UdfErrorKind::FunctionNotFound, text));
        }
        let mut aggregation = Self {
            module: Arc::clone(module),
            state,
            functions: [LUA_NOREF; 4],
            failed: false,
        };
        let mut opened = [LUA_NOREF; 4];
        let functions = aggregation.state.functions;
        aggregation.protected(budget, |l, s| {
            // SAFETY: `protected` gives the state's own stack and slot.
            unsafe {
                load_streams(l, s);
                lua_rawgeti(l, LUA_REGISTRYINDEX, functions.into());
                push_str(l, function.as_bytes());
                lua_rawget(l, -2);
                lua_replace(l, -2);
                arguments.push(l, &*s);
                let status = call(l, s, 1 + arguments.count(), 4);
                if status == LUA_OK {
                    for place in opened.iter_mut().rev() {
                        *place = luaL_ref(l, LUA_REGISTRYINDEX);
                    }
                }
                status
            }
        })?;
        aggregation.functions = opened;
        Ok(aggregation)
    }

    /// Calls one of the functions, with the record where it takes one.
    fn run(&mut self, function: Function, budget: &Budget) -> Result<(), UdfError> {
        if self.failed {
            let text = "the aggregation has failed before";
            return Err(UdfError::new(UdfErrorKind::Host, text));
        }
        let place = self.functions[function as usize];
        let ran = self.protected(budget, |l, s| {
            // SAFETY: `protected` gives the state's own stack and slot; the places are its own.
            unsafe {
                lua_rawgeti(l, LUA_REGISTRYINDEX, place.into());
                lua_rawgeti(l, LUA_REGISTRYINDEX, (*s).refs.record.into());
                call(l, s, 1, 0)
            }
        });
        self.failed = ran.is_err();
        ran
    }

    /// Runs `f` over the state's stack, where a message handler is at 1, within the module's limits.
    /// What `f` gives is how its own protected call ended, with the error on top.
    fn protected(
        &mut self,
        budget: &Budget,
        f: impl FnOnce(*mut lua_State, *mut Slot) -> c_int,
    ) -> Result<(), UdfError> {
        let pulse = Arc::clone(&self.state.slot.pulse);
        let _duty = OnDuty::new(&pulse);
        let limits = self.module.limits();
        let slot = &mut *self.state.slot;
        pulse.allow(limits.time(), None);
        slot.memory = limits.memory_bytes;
        slot.feed.largest = limits.result_bytes;
        slot.wants_backtrace = true;
        slot.written = 0;
        slot.reads_only = true;
        let s = self.state.slot.as_ptr();
        let mut failed = None;
        // SAFETY: the stack is the state's own, and `failed` is outside of what an error jumps over.
        let run = |l: *mut lua_State| unsafe {
            lua_pushlightuserdata(l, s.cast());
            lua_pushcclosure(l, on_error, 1);
            let status = f(l, s);
            if status != LUA_OK {
                failed = Some(failure(l, &mut *s, status));
            }
        };
        let ran = pulse.lend(budget, || self.state.with(run));
        let slot = &mut *self.state.slot;
        slot.context = ptr::null_mut();
        slot.scope = ptr::null();
        slot.tidy();
        slot.feed.empty();
        let failed = failed.or_else(|| {
            ran.err().map(|e| {
                let kind = match e {
                    mlua::Error::MemoryError(_) => UdfErrorKind::Memory,
                    _ => UdfErrorKind::Host,
                };
                UdfError::new(kind, e.to_string())
            })
        });
        let failed = match slot.feed.refused.take() {
            Some(refused) => Some(refusal(&refused, slot.feed.largest)),
            None => failed,
        };
        match failed {
            Some(e) => {
                slot.feed.values.clear();
                Err(placed(e, self.module.file()))
            }
            None => Ok(()),
        }
    }
}

fn refusal(refused: &Refused, limit: usize) -> UdfError {
    let text = match refused.len {
        Some(len) => format!(
            "a value of the aggregation is {len} bytes long; the limit is {limit} (result-bytes)"
        ),
        None => "a value of the aggregation is too large, nests too deep, or holds itself".into(),
    };
    UdfError::new(UdfErrorKind::Result, text)
}

/// Pushes what opens an aggregation, which is compiled when the state first needs it.
///
/// # Safety
/// The [stack rules](super), with the state's own slot. Raises.
unsafe fn load_streams(l: *mut lua_State, s: *mut Slot) {
    let text = include_str!("stream.lua");
    let (chunk, name) = (text.as_ptr().cast(), c"=stream".as_ptr());
    if luaL_loadbufferx(l, chunk, text.len(), name, c"t".as_ptr()) != LUA_OK {
        lua_error(l);
    }
    // Its globals are the standard ones, whatever the module calls its own.
    lua_rawgeti(l, LUA_REGISTRYINDEX, (*s).refs.standard.into());
    lua_setupvalue(l, -2, 1);
    for f in [advance, partials, emit] {
        lua_pushlightuserdata(l, s.cast());
        lua_pushcclosure(l, f, 1);
    }
    lua_call(l, 3, 1);
}

/// Calls the function under `arguments` values on top, as one invocation; the handler is at 1.
///
/// # Safety
/// The [stack rules](super), with the state's own slot. Raises nothing.
unsafe fn call(l: *mut lua_State, s: *mut Slot, arguments: c_int, results: c_int) -> c_int {
    let pulse = &*(*s).pulse;
    pulse.start(l);
    let status = lua_pcall(l, arguments, results, 1);
    pulse.stop();
    if lua_gethookmask(l) != 0 {
        lua_sethook(l, None, 0, 0);
    }
    status
}

impl Aggregator for Aggregation {
    fn fold(
        &mut self,
        batch: &mut [RecordContext],
        scope: &Scope,
        budget: &Budget,
        values: &mut Vec<Value>,
    ) -> Result<(), UdfError> {
        if batch.is_empty() {
            return Ok(());
        }
        self.state.slot.scope = ptr::from_ref(scope);
        self.state.slot.feed.records(batch);
        self.run(Function::Fold, budget)?;
        values.append(&mut self.state.slot.feed.values);
        Ok(())
    }

    fn take(&mut self, budget: &Budget, values: &mut Vec<Value>) -> Result<(), UdfError> {
        self.run(Function::Take, budget)?;
        values.append(&mut self.state.slot.feed.values);
        Ok(())
    }

    fn merge(&mut self, partial: &[Value], budget: &Budget) -> Result<(), UdfError> {
        self.state.slot.feed.partials(partial);
        self.run(Function::Merge, budget)
    }

    fn finish(&mut self, budget: &Budget, values: &mut Vec<Value>) -> Result<(), UdfError> {
        self.run(Function::Finish, budget)?;
        values.append(&mut self.state.slot.feed.values);
        Ok(())
    }
}
