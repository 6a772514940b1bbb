//! Runs a function over a batch of records.

use std::ffi::c_int;
use std::sync::Arc;
use std::time::Duration;
use std::{mem, ptr};

use mlua::ffi::*;

use super::object::{self, head, push_item, push_str, raw_str};
use super::pack::{Unpackable, to_value};
use super::record::{forget, value_len};
use super::runtime::LuaModule;
use super::slot::{Slot, Trip, slot};
use super::state::{LoadError, State, allowance, clear_table, split_place};
use super::watchdog::OnDuty;
use crate::change::{RecordContext, Scope};
use crate::model::Value;
use crate::model::msgpack::Reader;
use crate::udf::{Budget, Instance, Invoker, UdfError, UdfErrorKind, UdfResult};

/// More globals than this in one call, and the state is replaced rather than cleaned.
const MANY_GLOBALS: usize = 64;

/// More arguments than this are refused.
const MAX_ARGUMENTS: usize = 200;

/// What an invocation that seems to outrun its caller's patience may still run for: the thread may
/// have waited for a core meanwhile.
const A_LITTLE: Duration = Duration::from_millis(1);

/// One worker's Lua state, and the function that is open.
pub(super) struct LuaInstance {
    module: Arc<LuaModule>,
    state: Option<State>,
    function: String,
    args: Vec<u8>,
}

impl LuaInstance {
    pub(super) fn new(module: Arc<LuaModule>, state: State) -> Self {
        Self {
            module,
            state: Some(state),
            function: String::new(),
            args: Vec::new(),
        }
    }

    /// The state, made anew if the last one was thrown away or a module that it requires
    /// may have changed.
    fn state(&mut self) -> Result<&mut State, UdfError> {
        if self.state.as_ref().is_some_and(State::is_outdated) {
            self.state = None;
        }
        if self.state.as_ref().is_some_and(|s| s.stale)
            && let Some(state) = &mut self.state
        {
            state.refresh()?;
        }
        if self.state.is_none() {
            self.state = Some(self.module.load().map_err(|e| match e {
                LoadError::Run(e) => e,
                LoadError::Compile(e) => UdfError::new(UdfErrorKind::Host, e.to_string()),
            })?);
        }
        self.state
            .as_mut()
            .ok_or_else(|| UdfError::new(UdfErrorKind::Host, "there is no Lua state"))
    }
}

impl Instance for LuaInstance {
    fn open(&mut self, function: &str, args: &[u8]) -> Result<&mut dyn Invoker, UdfError> {
        if self.args != args {
            match Reader::new(args).list() {
                Ok(count) if count <= MAX_ARGUMENTS => {}
                _ => {
                    let text = "the arguments are not a packed list of at most 200 values";
                    return Err(UdfError::new(UdfErrorKind::Arguments, text));
                }
            }
            self.args.clear();
            self.args.extend_from_slice(args);
        }
        if self.function != function {
            self.function.clear();
            self.function.push_str(function);
        }
        Ok(self)
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
        let (function, args) = (mem::take(&mut self.function), mem::take(&mut self.args));
        let mut rest = batch;
        while !rest.is_empty() {
            let done = match self.state() {
                Ok(state) => {
                    let mut pass = Pass {
                        module: &module,
                        function: &function,
                        args: &args,
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
                        UdfErrorKind::Timeout => rest.len(),
                        _ => 1,
                    };
                    results.extend(std::iter::repeat_n(Err(e), failed));
                    failed
                }
            };
            rest = &mut rest[done.max(1)..];
        }
        (self.function, self.args) = (function, args);
    }
}

/// The part of a batch that one state runs before it has to be replaced or refreshed.
struct Pass<'a> {
    module: &'a LuaModule,
    function: &'a str,
    args: &'a [u8],
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
        let limits = &self.module.limits;
        let mut args = Reader::new(self.args);
        // Checked when it was opened.
        let count = args.list().unwrap_or_default();
        let slot: *mut Slot = &mut *state.slot;
        let pulse = Arc::clone(&state.slot.pulse);
        let _duty = OnDuty::new(&pulse, slot);
        state.slot.memory = limits.memory_bytes;
        (state.slot.limit, state.slot.past_limit) = match self.budget.patience {
            Some(patience) if patience < limits.time() => {
                (allowance(patience).max(A_LITTLE), Trip::Overran)
            }
            _ => (allowance(limits.time()), Trip::Timeout),
        };
        state.slot.budget = ptr::from_ref(self.budget);
        state.slot.scope = ptr::from_ref(self.scope);
        state.slot.trip = Trip::No;
        state.slot.wants_backtrace = true;
        let lookup = Lookup {
            functions: state.functions,
            known: state
                .names()
                .binary_search_by(|name| name.as_str().cmp(self.function))
                .is_ok(),
        };
        let shared: *const State = state;
        // SAFETY: `with` catches what the set-up raises; the loop calls Lua protected.
        // `restore` reads only the cells of the state, which `with` leaves alone.
        let ran = state.with(|l, s| unsafe {
            self.records(l, s, &*shared, lookup, args, count, batch);
        });
        state.slot.context = ptr::null_mut();
        state.slot.scope = ptr::null();
        state.slot.budget = ptr::null();
        if let Err(e) = ran {
            self.renew = true;
            let kind = match e {
                mlua::Error::MemoryError(_) => UdfErrorKind::Memory,
                _ => UdfErrorKind::Host,
            };
            self.fail_all(n, &UdfError::new(kind, e.to_string()));
        }
    }

    #[allow(clippy::too_many_arguments)]
    unsafe fn records(
        &mut self,
        l: *mut lua_State,
        s: &mut Slot,
        state: &State,
        lookup: Lookup,
        args: Reader<'_>,
        count: usize,
        batch: &mut [RecordContext],
    ) {
        luaL_checkstack(l, 40 + 2 * count as c_int, ptr::null());
        // 1: message handler, 2: environment, 3: function, 4: record, 5..: arguments.
        lua_pushlightuserdata(l, ptr::from_mut(s).cast());
        lua_pushcclosure(l, on_error, 1);
        lua_rawgeti(l, LUA_REGISTRYINDEX, s.refs.environment.into());
        lua_rawgeti(l, LUA_REGISTRYINDEX, lookup.functions.into());
        push_str(l, self.function.as_bytes());
        lua_rawget(l, 3);
        lua_replace(l, 3);
        if !lookup.known || lua_type(l, 3) != LUA_TFUNCTION {
            let e = UdfError::new(UdfErrorKind::FunctionNotFound, "function not found");
            return self.fail_all(batch.len(), &e);
        }
        lua_rawgeti(l, LUA_REGISTRYINDEX, s.refs.record.into());
        let mut fresh = false;
        let mut r = args.clone();
        for _ in 0..count {
            push_item(l, s, &mut r);
            fresh |= lua_type(l, -1) == LUA_TUSERDATA;
        }
        let mut arguments = Arguments { args, count };
        let top = lua_gettop(l);
        let extra = state.keeps_more_than_globals();
        for context in batch {
            self.done += 1;
            if self.budget.is_cancelled() {
                let text = "the task was aborted";
                self.results
                    .push(Err(UdfError::new(UdfErrorKind::Cancelled, text)));
                continue;
            }
            s.context = context;
            s.written = 0;
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
            s.pulse.start(l);
            let status = lua_pcall(l, top - 3, 1, 1);
            s.pulse.stop();
            if lua_gethookmask(l) != 0 {
                lua_sethook(l, None, 0, 0);
            }
            let result = if status == LUA_OK {
                self.result(l, s)
            } else {
                let mut e = failure(l, s, status);
                self.place(&mut e);
                Err(e)
            };
            self.results.push(result);
            lua_settop(l, top);
            if s.trip != Trip::No || status == LUA_ERRMEM {
                self.renew = true;
                return;
            }
            forget(l, s);
            lua_pushnil(l);
            if lua_next(l, 2) != 0 {
                lua_settop(l, top);
                self.renew = clear_table(l, 2) > MANY_GLOBALS;
            }
            if s.required {
                s.required = false;
                lua_rawgeti(l, LUA_REGISTRYINDEX, s.refs.loaded.into());
                clear_table(l, top + 1);
                lua_settop(l, top);
            }
            if extra {
                state.restore(l, &mut self.stale);
            }
            if self.renew || self.stale {
                return;
            }
        }
    }

    unsafe fn result(&self, l: *mut lua_State, s: &mut Slot) -> UdfResult {
        let value = match to_value(l, -1, &mut s.scratch) {
            Ok(value) => value,
            Err(Unpackable::Type) => Value::Nil,
            Err(Unpackable::Size) => {
                let text = "the result is too large, nests too deep, or holds itself";
                return Err(UdfError::new(UdfErrorKind::Result, text));
            }
        };
        let len = value_len(&value);
        let limit = self.module.limits.result_bytes;
        if len > limit {
            let text = format!("the result is {len} bytes long; the limit is {limit}");
            return Err(UdfError::new(UdfErrorKind::Result, text));
        }
        Ok(value)
    }

    /// Takes file and line out of the message.
    fn place(&self, e: &mut UdfError) {
        if let Some((line, message)) = split_place(&e.message, self.module.file()) {
            e.message = message.to_owned();
            e.line = Some(line);
            e.module = self.module.file().to_owned();
        } else if e.kind != UdfErrorKind::Thrown {
            e.module = self.module.file().to_owned();
        }
    }
}

#[derive(Clone, Copy)]
struct Lookup {
    functions: c_int,
    known: bool,
}

/// Arguments that hold collections, which each record gets fresh.
struct Arguments<'a> {
    args: Reader<'a>,
    count: usize,
}

impl Arguments<'_> {
    /// Replaces the arguments below `top`; false when there is no memory.
    unsafe fn renew(&mut self, l: *mut lua_State, s: &mut Slot, top: c_int) -> bool {
        let slot: *mut Slot = s;
        lua_rawgeti(l, LUA_REGISTRYINDEX, s.refs.pusher.into());
        lua_pushlightuserdata(l, slot.cast());
        lua_pushlightuserdata(l, ptr::from_mut(self).cast());
        if lua_pcall(l, 2, LUA_MULTRET, 0) != LUA_OK {
            lua_settop(l, top);
            return false;
        }
        for i in (5..=top).rev() {
            lua_replace(l, i);
        }
        true
    }
}

/// Pushes the arguments that its second argument points to.
pub(super) unsafe extern "C-unwind" fn push_arguments(l: *mut lua_State) -> c_int {
    let s = &*lua_touserdata(l, 1).cast::<Slot>();
    let arguments = &*lua_touserdata(l, 2).cast::<Arguments<'_>>();
    luaL_checkstack(l, arguments.count as c_int + 8, ptr::null());
    let mut r = arguments.args.clone();
    for _ in 0..arguments.count {
        push_item(l, s, &mut r);
    }
    arguments.count as c_int
}

/// The message handler of every invocation: notes where it happened, for the log.
unsafe extern "C-unwind" fn on_error(l: *mut lua_State) -> c_int {
    let s = slot(l);
    if s.trip == Trip::No && s.wants_backtrace && lua_type(l, 1) == LUA_TSTRING {
        s.wants_backtrace = false;
        luaL_traceback(l, l, ptr::null(), 1);
        note_backtrace(s, raw_str(l, -1));
        lua_settop(l, 1);
    }
    1
}

fn note_backtrace(s: &mut Slot, text: &[u8]) {
    s.backtrace = Some(String::from_utf8_lossy(text).into_owned());
}

/// What the error on top of the stack says. Raises no Lua errors.
pub(super) unsafe fn failure(l: *mut lua_State, s: &mut Slot, status: c_int) -> UdfError {
    let kind = match s.trip {
        Trip::Timeout => UdfErrorKind::Timeout,
        Trip::Overran => UdfErrorKind::Overran,
        Trip::Cancelled => UdfErrorKind::Cancelled,
        Trip::Memory => UdfErrorKind::Memory,
        Trip::No if status == LUA_ERRMEM => UdfErrorKind::Memory,
        Trip::No => UdfErrorKind::Thrown,
    };
    let message = match lua_type(l, -1) {
        LUA_TSTRING => String::from_utf8_lossy(raw_str(l, -1)).into_owned(),
        LUA_TNUMBER if lua_isinteger(l, -1) != 0 => {
            lua_tointegerx(l, -1, ptr::null_mut()).to_string()
        }
        LUA_TNUMBER => lua_tonumberx(l, -1, ptr::null_mut()).to_string(),
        LUA_TNIL => "nil".to_owned(),
        LUA_TTABLE => "the error is a table; raise a string instead".to_owned(),
        LUA_TUSERDATA if (*head(l, -1)).tag == object::MAP => {
            "the error is a map; raise a string instead".to_owned()
        }
        _ => "the error is not a string; raise one instead".to_owned(),
    };
    let mut e = UdfError::new(kind, message);
    e.backtrace = s.backtrace.take();
    e
}
