//! Runs a function over a batch of records.

use std::sync::Arc;
use std::{mem, ptr};

use mlua::ffi::*;

use super::aggregate::Aggregation;
use super::arguments::Arguments;
use super::failure::{ended, failure, on_error, placed};
use super::module::LuaModule;
use super::object::push_str;
use super::pack::{Unpackable, to_value};
use super::record::forget;
use super::shared::undo_call;
use super::slot::Slot;
use super::stack::{StackGuard, clear_registered, clear_table};
use super::state::{State, is_function};
use super::watchdog::OnDuty;
use crate::change::{RecordContext, Scope};
use crate::model::Value;
use crate::udf::{Aggregator, Budget, Instance, Invoker, UdfError, UdfErrorKind, UdfResult};

/// More globals than this in one call, and the state is replaced rather than cleaned.
const MANY_GLOBALS: usize = 64;

/// One worker's Lua state, and the function that is open.
pub(super) struct LuaInstance {
    module: Arc<LuaModule>,
    state: Option<State>,
    function: String,
    arguments: Arguments,
    aggregation: Option<Aggregation>,
}

impl LuaInstance {
    /// An instance whose state is made when it first runs, within the patience of its caller.
    pub(super) fn new(module: Arc<LuaModule>) -> Self {
        Self {
            module,
            state: None,
            function: String::new(),
            arguments: Arguments::default(),
            aggregation: None,
        }
    }

    /// The state, made anew if the last one was thrown away or a module that it requires
    /// may have changed.
    fn state(&mut self, budget: &Budget) -> Result<&mut State, UdfError> {
        if self.state.as_ref().is_some_and(State::is_outdated) {
            self.state = None;
        }
        let state = match &mut self.state {
            Some(state) => state,
            none => none.insert(self.module.state(budget.patience)?),
        };
        let time = self.module.limits().time();
        state.slot.pulse.allow(time, budget.patience);
        if state.stale {
            state.refresh(self.module.source())?;
        }
        Ok(state)
    }
}

impl Instance for LuaInstance {
    fn open(&mut self, function: &str, args: &[u8]) -> Result<&mut dyn Invoker, UdfError> {
        self.arguments.set(args)?;
        if self.function != function {
            self.function.clear();
            self.function.push_str(function);
        }
        Ok(self)
    }

    fn aggregate(
        &mut self,
        function: &str,
        args: &[u8],
        budget: &Budget,
    ) -> Result<&mut dyn Aggregator, UdfError> {
        // What was open before goes first: the two would want the memory of both.
        self.aggregation = None;
        let mut arguments = Arguments::default();
        arguments.set(args)?;
        let opened = Aggregation::open(&self.module, function, &arguments, budget)?;
        Ok(self.aggregation.insert(opened))
    }

    fn memory(&self) -> usize {
        let own = self.state.as_ref().map_or(0, State::memory);
        own + self.aggregation.as_ref().map_or(0, Aggregation::memory)
    }

    fn aggregator(&mut self) -> Option<&mut dyn Aggregator> {
        self.aggregation
            .as_mut()
            .map(|open| open as &mut dyn Aggregator)
    }
}

impl Invoker for LuaInstance {
    fn each(
        &mut self,
        batch: &mut [RecordContext],
        scope: &Scope,
        budget: &Budget,
        results: &mut Vec<UdfResult>,
    ) {
        let module = Arc::clone(&self.module);
        let function = mem::take(&mut self.function);
        let arguments = mem::take(&mut self.arguments);
        let mut rest = batch;
        while !rest.is_empty() {
            let done = match self.state(budget) {
                Ok(state) => {
                    let mut pass = Pass {
                        module: &module,
                        function: &function,
                        arguments: &arguments,
                        scope,
                        budget,
                        results,
                        done: 0,
                        renew: false,
                        stale: false,
                    };
                    pass.run(state, rest);
                    let (done, renew, stale) = (pass.done, pass.renew, pass.stale);
                    state.stale = stale;
                    if renew {
                        self.state = None;
                    }
                    done
                }
                Err(e) => {
                    self.state = None;
                    // The next record may fare better: the module may find memory again. But
                    // one that does not end would take its time from each.
                    let failed = match e.kind {
                        UdfErrorKind::Timeout | UdfErrorKind::Overran => rest.len(),
                        _ => 1,
                    };
                    results.extend(std::iter::repeat_n(Err(e), failed));
                    failed
                }
            };
            rest = &mut rest[done.max(1)..];
        }
        (self.function, self.arguments) = (function, arguments);
    }
}

/// The part of a batch that one state runs before it has to be replaced or refreshed.
struct Pass<'a> {
    module: &'a LuaModule,
    function: &'a str,
    arguments: &'a Arguments,
    scope: &'a Scope,
    budget: &'a Budget,
    results: &'a mut Vec<UdfResult>,
    done: usize,
    renew: bool,
    stale: bool,
}

impl Pass<'_> {
    fn fail_all(&mut self, n: usize, e: &UdfError) {
        for _ in self.done..n {
            self.results.push(Err(e.clone()));
        }
        self.done = n;
    }

    fn run(&mut self, state: &mut State, batch: &mut [RecordContext]) {
        let n = batch.len();
        if !state.has(self.function) {
            let text = "function not found";
            return self.fail_all(n, &UdfError::new(UdfErrorKind::FunctionNotFound, text));
        }
        let slot = &mut *state.slot;
        slot.memory = self.module.limits().memory_bytes;
        slot.scope = ptr::from_ref(self.scope);
        slot.wants_backtrace = true;
        let shared = &*state;
        let pulse = &*shared.slot.pulse;
        let duty = OnDuty::new(pulse);
        // SAFETY: `with` gives the state's own stack and catches what the set-up raises, when
        // nothing that wants dropping is alive yet; from then on Lua is called protected.
        let ran = pulse.lend(self.budget, || {
            shared.with(|l| unsafe { self.records(l, shared, batch) })
        });
        drop(duty);
        let slot = &mut *state.slot;
        slot.context = ptr::null_mut();
        slot.scope = ptr::null();
        slot.tidy();
        if let Err(e) = ran {
            self.renew = true;
            let kind = match e {
                mlua::Error::MemoryError(_) => UdfErrorKind::Memory,
                _ => UdfErrorKind::Host,
            };
            self.fail_all(n, &UdfError::new(kind, e.to_string()));
        }
    }

    /// Runs the function over the batch, up to the record after which the state has to be
    /// replaced or refreshed.
    ///
    /// # Safety
    /// The [stack rules](super), for the empty stack of `state`, whose slot is set up for the
    /// call. Raises only before the first record.
    unsafe fn records(&mut self, l: *mut lua_State, state: &State, batch: &mut [RecordContext]) {
        // Only the pointer is kept across calls into Lua, which reaches the slot itself.
        let s: *mut Slot = state.slot.as_ptr();
        let pulse = &*state.slot.pulse;
        let arguments = self.arguments;
        luaL_checkstack(l, 40 + 2 * arguments.count(), ptr::null());
        // 1: message handler, 2: environment, 3: function, 4: record, 5..: arguments.
        lua_pushlightuserdata(l, s.cast());
        lua_pushcclosure(l, on_error, 1);
        lua_rawgeti(l, LUA_REGISTRYINDEX, (*s).refs.environment.into());
        lua_rawgeti(l, LUA_REGISTRYINDEX, state.functions.into());
        push_str(l, self.function.as_bytes());
        lua_rawget(l, 3);
        lua_replace(l, 3);
        if !is_function(l, 3) {
            let e = UdfError::new(UdfErrorKind::FunctionNotFound, "function not found");
            return self.fail_all(batch.len(), &e);
        }
        lua_rawgeti(l, LUA_REGISTRYINDEX, (*s).refs.record.into());
        arguments.push(l, &*s);
        let top = lua_gettop(l);
        // Each record gets collections of its own.
        let fresh = (5..=top).any(|i| lua_type(l, i) == LUA_TUSERDATA);
        let extra = state.keeps_more_than_globals();
        for context in batch {
            let _frame = StackGuard::new(l);
            self.done += 1;
            if self.budget.is_cancelled() {
                let text = "the task was aborted";
                self.results
                    .push(Err(UdfError::new(UdfErrorKind::Cancelled, text)));
                continue;
            }
            (*s).context = context;
            (*s).written = 0;
            if fresh && !arguments.renew(l, s, top) {
                self.renew = true;
                let text = "no memory for the arguments";
                self.results
                    .push(Err(UdfError::new(UdfErrorKind::Memory, text)));
                return;
            }
            for i in 3..=top {
                lua_pushvalue(l, i);
            }
            pulse.start(l);
            let status = lua_pcall(l, top - 3, 1, 1);
            if status == LUA_OK {
                self.take_result(l, &mut *s);
            } else {
                let e = placed(failure(l, &mut *s, status), self.module.file());
                self.results.push(Err(e));
            }
            pulse.stop();
            if pulse.was_interrupted() {
                lua_sethook(l, None, 0, 0);
            }
            if pulse.has_tripped() || status == LUA_ERRMEM {
                self.renew = true;
                return;
            }
            forget(l, &mut *s);
            lua_pushnil(l);
            if lua_next(l, 2) != 0 {
                self.renew = clear_table(l, 2) > MANY_GLOBALS;
            }
            if std::mem::take(&mut (*s).required) {
                clear_registered(l, (*s).refs.loaded);
            }
            if (*s).changes > (*s).lasting_changes || (*s).seeded {
                lua_pushlightuserdata(l, s.cast());
                lua_pushcclosure(l, undo_call, 1);
                self.renew |= lua_pcall(l, 0, 0, 0) != LUA_OK;
            }
            if extra {
                self.stale = state.restore(l);
            }
            self.renew |= self.module.is_isolated();
            if self.renew || self.stale {
                return;
            }
        }
    }

    /// Takes the result on top of the stack. Small ones are made where they are wanted: to move one
    /// that was just written costs more than to write it.
    ///
    /// # Safety
    /// As [`result`](Self::result).
    #[inline]
    unsafe fn take_result(&mut self, l: *mut lua_State, s: &mut Slot) {
        if lua_isinteger(l, -1) != 0 {
            let i = lua_tointegerx(l, -1, ptr::null_mut());
            return self.results.push(Ok(Value::Int(i)));
        }
        let result = self.result(l, s);
        self.results.push(result);
    }

    /// The result on top of the stack.
    ///
    /// # Safety
    /// The [stack rules](super). Raises nothing.
    unsafe fn result(&self, l: *mut lua_State, s: &mut Slot) -> UdfResult {
        let value = match to_value(l, -1, &mut s.scratch) {
            Ok(value) => value,
            Err(Unpackable::Type) => Value::Nil,
            Err(Unpackable::Overdue) => return Err(ended(s.pulse.trip())),
            Err(Unpackable::Size) => {
                let text = "the result is too large, nests too deep, or holds itself";
                return Err(UdfError::new(UdfErrorKind::Result, text));
            }
        };
        let len = value.heap_bytes();
        let limit = self.module.limits().result_bytes;
        if len > limit {
            let text = format!("the result is {len} bytes long; the limit is {limit}");
            return Err(UdfError::new(UdfErrorKind::Result, text));
        }
        Ok(value)
    }
}
