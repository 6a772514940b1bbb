//! One Lua state with one module loaded, and its return to that point after each call.

use std::collections::HashSet;
use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use mlua::ffi::*;
use mlua::{Lua, LuaOptions, StdLib};

use super::failure::{failure, split_place};
use super::object::{push_str, raw_str};
use super::require::load_source;
use super::sandbox;
use super::shared::{PER_CHANGE, undo};
use super::slot::{OwnSlot, Slot};
use super::stack::{clear_registered, clear_table};
use super::watchdog::{self, OnDuty};
use crate::udf::log::Log;
use crate::udf::{Allowance, CompileError, ModuleSource, Sources, UdfError, UdfErrorKind};

/// Why a state could not be made.
#[derive(Debug)]
pub(super) enum LoadError {
    /// The text is not Lua.
    Compile(CompileError),
    /// The module's own statements failed.
    Run(UdfError),
}

/// A variable of the module's functions, and the value that it had when the module was loaded.
#[derive(Clone, Copy, Debug)]
struct Cell {
    function: c_int,
    index: c_int,
    value: c_int,
}

/// A Lua state with a module in it.
pub(super) struct State {
    // Before the slot, which its functions point to.
    lua: Lua,
    pub(super) slot: OwnSlot,
    chunk: c_int,
    /// The table, in the registry, where functions are looked up.
    pub(super) functions: c_int,
    names: Vec<String>,
    cells: Vec<Cell>,
    /// The module keeps tables or the like from one call to the next, so that it is run
    /// anew before each.
    rerun: bool,
    /// It is to be run anew before the next call.
    pub(super) stale: bool,
    /// The epoch of the sources before any of them was read.
    epoch: u64,
}

// SAFETY: all that the pointers in it lead to is its own, but for those in the slot to what a
// call lends, which are set only while a batch runs, on one thread.
unsafe impl Send for State {}

impl State {
    /// A state with the module loaded, within its limits and the patience of the caller.
    pub(super) fn load(
        source: &ModuleSource,
        sources: &Arc<dyn Sources>,
        log: &Arc<Log>,
        allowance: &Allowance,
        patience: Option<Duration>,
    ) -> Result<Self, LoadError> {
        let limits = &allowance.limits;
        let host = |e: mlua::Error| {
            let kind = match e {
                mlua::Error::MemoryError(_) => UdfErrorKind::Memory,
                _ => UdfErrorKind::Host,
            };
            LoadError::Run(UdfError::new(kind, format!("no Lua state: {e}")))
        };
        let options = LuaOptions::new().catch_rust_panics(false);
        let lua = Lua::new_with(StdLib::NONE, options).map_err(host)?;
        lua.set_memory_limit(limits.memory_bytes).map_err(host)?;
        let mut state = Self {
            lua,
            slot: OwnSlot::new(Slot::new(
                &source.package,
                Arc::clone(sources),
                Arc::clone(log),
                allowance,
            )),
            chunk: LUA_NOREF,
            functions: LUA_NOREF,
            names: Vec::new(),
            cells: Vec::new(),
            rerun: false,
            stale: false,
            epoch: sources.epoch(),
        };
        let slot = state.slot.as_ptr();
        // SAFETY: `with` gives the state's own stack; the slot outlives the state.
        let built = state.with(|l| unsafe {
            sandbox::build(l, slot);
            lua_gc(l, LUA_GCGEN, 0, 0);
        });
        built.map_err(host)?;
        watchdog::register(&state.slot.pulse);
        state.slot.pulse.allow(limits.time(), patience);
        state.compile(source)?;
        state.start(source).map_err(LoadError::Run)?;
        state.settle(source).map_err(host)?;
        Ok(state)
    }

    /// Runs `f` over the state's stack, which is empty before and after, and catches Lua errors:
    /// when `f` raises one, nothing that it owns may want dropping.
    pub(super) fn with(&self, f: impl FnOnce(*mut lua_State)) -> Result<(), mlua::Error> {
        // SAFETY: `f` keeps to the rules of this room, which alone can call this.
        unsafe {
            self.lua.exec_raw::<()>((), |l| {
                f(l);
                lua_settop(l, 0);
            })
        }
    }

    /// The memory that it holds, in bytes.
    pub(super) fn memory(&self) -> usize {
        self.lua.used_memory()
    }

    /// Whether the module has a function of that name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names
            .binary_search_by(|n| n.as_str().cmp(name))
            .is_ok()
    }

    /// The names of the module's own global functions, sorted.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether it depends on another module and one was registered or removed since.
    pub(super) fn is_outdated(&self) -> bool {
        self.slot.depends && self.slot.sources.epoch() != self.epoch
    }

    fn compile(&mut self, source: &ModuleSource) -> Result<(), LoadError> {
        let mut chunk = LUA_NOREF;
        let mut refused = None;
        // SAFETY: the stack is the state's own; the texts are outside of what an error jumps over.
        let done = self.with(|l| unsafe {
            if load_source(l, source) == LUA_OK {
                chunk = luaL_ref(l, LUA_REGISTRYINDEX);
            } else {
                refused = Some(String::from_utf8_lossy(raw_str(l, -1)).into_owned());
            }
        });
        self.chunk = chunk;
        let refused = refused.or(done.err().map(|e| e.to_string()));
        match refused {
            Some(text) => Err(LoadError::Compile(compile_error(source, &text))),
            None => Ok(()),
        }
    }

    /// Runs the module's own statements.
    fn start(&mut self, source: &ModuleSource) -> Result<(), UdfError> {
        let slot = self.slot.as_ptr();
        let pulse = Arc::clone(&self.slot.pulse);
        let _duty = OnDuty::new(&pulse);
        pulse.clear();
        let mut failed = None;
        // SAFETY: the stack is the state's own, and Lua is called protected; the slot is not
        // referred to meanwhile.
        let done = self.with(|l| unsafe {
            lua_rawgeti(l, LUA_REGISTRYINDEX, self.chunk.into());
            push_str(l, source.package.as_bytes());
            push_str(l, source.file.as_bytes());
            pulse.start(l);
            let status = lua_pcall(l, 2, 0, 0);
            pulse.stop();
            lua_sethook(l, None, 0, 0);
            if status != LUA_OK {
                failed = Some(failure(l, &mut *slot, status));
            }
        });
        self.slot.required = false;
        self.stale = false;
        match (failed, done) {
            (Some(e), _) => Err(e),
            (None, Err(e)) => Err(UdfError::new(UdfErrorKind::Host, e.to_string())),
            (None, Ok(())) => Ok(()),
        }
    }

    /// After loading: what the module defined becomes the background of all calls.
    fn settle(&mut self, source: &ModuleSource) -> Result<(), mlua::Error> {
        let mut names = Vec::new();
        let mut pristine = true;
        let refs = &self.slot.refs;
        let mut functions = refs.environment;
        let mut survey = Survey {
            environment: ptr::null(),
            env_matters: memchr::memmem::find(&source.bytes, b"_ENV").is_some(),
            seen: HashSet::new(),
            cells: Vec::new(),
        };
        // SAFETY: the stack is the state's own; what was gathered is outside of what an error
        // jumps over.
        self.with(|l| unsafe {
            luaL_checkstack(l, 64, ptr::null());
            lua_rawgeti(l, LUA_REGISTRYINDEX, refs.environment.into());
            lua_rawgeti(l, LUA_REGISTRYINDEX, refs.loaded.into());
            lua_pushnil(l);
            while lua_next(l, 2) != 0 {
                // A required module may have kept anything: its chunk is not at hand.
                pristine = false;
                lua_pop(l, 1);
            }
            survey.environment = lua_topointer(l, 1);
            lua_rawgeti(l, LUA_REGISTRYINDEX, refs.changes.into());
            let mut at = 1;
            while lua_rawgeti(l, 3, at) != LUA_TNIL {
                lua_rawgeti(l, 3, at + 1);
                lua_rawget(l, 4);
                pristine &= survey.value(l, 5, 0);
                lua_settop(l, 3);
                at += PER_CHANGE;
            }
            lua_settop(l, 2);
            lua_pushnil(l);
            while lua_next(l, 1) != 0 {
                if lua_type(l, 3) == LUA_TSTRING && is_function(l, 4) {
                    names.push(String::from_utf8_lossy(raw_str(l, 3)).into_owned());
                }
                pristine &= survey.value(l, 4, 0);
                lua_settop(l, 3);
            }
            if pristine {
                lua_settop(l, 1);
                lua_createtable(l, 0, 128);
                lua_rawgeti(l, LUA_REGISTRYINDEX, refs.standard.into());
                for from in [3, 1] {
                    lua_pushnil(l);
                    while lua_next(l, from) != 0 {
                        lua_pushvalue(l, -2);
                        lua_insert(l, -2);
                        lua_rawset(l, 2);
                    }
                }
                clear_table(l, 1);
                lua_getmetatable(l, 1);
                lua_pushvalue(l, 2);
                lua_setfield(l, -2, c"__index".as_ptr());
                lua_pushvalue(l, 2);
                functions = luaL_ref(l, LUA_REGISTRYINDEX);
            }
        })?;
        names.sort();
        self.names = names;
        self.cells = survey.cells;
        self.rerun = !pristine;
        self.functions = functions;
        self.slot.lasting_changes = self.slot.changes;
        Ok(())
    }

    /// Whether the variables of the module need to be set back after each call.
    pub(super) fn keeps_more_than_globals(&self) -> bool {
        self.rerun || !self.cells.is_empty()
    }

    /// After a call: sets back what it could have changed beside globals. Returns whether the
    /// module has to be run anew instead.
    ///
    /// # Safety
    /// The [stack rules](super), for this state. Raises nothing.
    pub(super) unsafe fn restore(&self, l: *mut lua_State) -> bool {
        for cell in &self.cells {
            lua_rawgeti(l, LUA_REGISTRYINDEX, cell.function.into());
            lua_rawgeti(l, LUA_REGISTRYINDEX, cell.value.into());
            lua_setupvalue(l, -2, cell.index);
            lua_pop(l, 1);
        }
        self.rerun
    }

    /// Runs the module anew in an empty environment.
    pub(super) fn refresh(&mut self, source: &ModuleSource) -> Result<(), UdfError> {
        let slot = self.slot.as_ptr();
        // SAFETY: the stack is the state's own; the slot is not referred to meanwhile.
        self.with(|l| unsafe {
            clear_registered(l, (*slot).refs.environment);
            clear_registered(l, (*slot).refs.loaded);
            undo(l, &mut *slot, 0);
        })
        .map_err(|e| UdfError::new(UdfErrorKind::Host, e.to_string()))?;
        self.start(source)?;
        self.slot.lasting_changes = self.slot.changes;
        Ok(())
    }
}

/// Whether the value at `index` is one that a module offers: a function of its own, or a table that
/// is called like one.
///
/// # Safety
/// The [stack rules](super). Raises.
pub(super) unsafe fn is_function(l: *mut lua_State, index: c_int) -> bool {
    match lua_type(l, index) {
        LUA_TFUNCTION => lua_iscfunction(l, index) == 0,
        LUA_TTABLE => {
            let call = luaL_getmetafield(l, index, c"__call".as_ptr());
            if call != LUA_TNIL {
                lua_pop(l, 1);
            }
            call == LUA_TFUNCTION
        }
        _ => false,
    }
}

/// Looks for what could carry something from one call to the next.
struct Survey {
    environment: *const c_void,
    env_matters: bool,
    seen: HashSet<*const c_void>,
    cells: Vec<Cell>,
}

impl Survey {
    /// Whether the value at `index` keeps nothing beyond variables, which become cells.
    ///
    /// # Safety
    /// The [stack rules](super). Raises.
    unsafe fn value(&mut self, l: *mut lua_State, index: c_int, depth: usize) -> bool {
        match lua_type(l, index) {
            LUA_TNIL | LUA_TBOOLEAN | LUA_TNUMBER | LUA_TSTRING | LUA_TLIGHTUSERDATA => true,
            LUA_TFUNCTION => self.function(l, index, depth),
            LUA_TTABLE => {
                if lua_topointer(l, index) == self.environment {
                    return true;
                }
                if lua_getmetatable(l, index) == 0 {
                    return false;
                }
                lua_pushstring(l, c"__frozen".as_ptr());
                let frozen = lua_rawget(l, -2) != LUA_TNIL;
                lua_pop(l, 2);
                frozen
            }
            _ => false,
        }
    }

    /// The same of a function, by its variables.
    ///
    /// # Safety
    /// The [stack rules](super), for a function. Raises.
    unsafe fn function(&mut self, l: *mut lua_State, index: c_int, depth: usize) -> bool {
        if !self.seen.insert(lua_topointer(l, index)) {
            return true;
        }
        if depth > 64 || lua_checkstack(l, 8) == 0 {
            return false;
        }
        let index = lua_absindex(l, index);
        let is_c = lua_iscfunction(l, index) != 0;
        let top = lua_gettop(l);
        for i in 1.. {
            if lua_getupvalue(l, index, i).is_null() {
                break;
            }
            let is_env = lua_type(l, -1) == LUA_TTABLE
                && lua_topointer(l, -1) == self.environment
                && !self.env_matters;
            let keeps_nothing = self.value(l, top + 1, depth + 1);
            if !keeps_nothing {
                lua_settop(l, top);
                return false;
            }
            if !is_c && !is_env && self.seen.insert(lua_upvalueid(l, index, i)) {
                lua_settop(l, top + 1);
                let value = luaL_ref(l, LUA_REGISTRYINDEX);
                lua_pushvalue(l, index);
                let function = luaL_ref(l, LUA_REGISTRYINDEX);
                self.cells.push(Cell {
                    function,
                    index: i,
                    value,
                });
            }
            lua_settop(l, top);
        }
        true
    }
}

fn compile_error(source: &ModuleSource, text: &str) -> CompileError {
    let (line, message) = match split_place(text, &source.file) {
        Some((line, message)) => (line, message.to_owned()),
        None if source.bytes.starts_with(b"\x1b") => (
            0,
            "this is compiled Lua; register the source text instead".to_owned(),
        ),
        None => (0, text.to_owned()),
    };
    CompileError {
        file: source.file.clone(),
        line,
        message,
    }
}
