//! How records go through an aggregation, and how its state leaves and enters an instance.

use std::sync::Arc;

use bytes::Bytes;
use petrel_packed::ParticleType;
use wasmtime::Store;

use super::calls::{Answer, Calls, Packed};
use super::compiled::{Compiled, Function};
use super::failure::failure;
use super::live::Live;
use super::outcome;
use super::pace::Pace;
use super::pack::pack;
use super::state::State;
use crate::change::{RecordContext, Scope};
use crate::model::Value;
use crate::udf::{Aggregator, Budget, UdfError, UdfErrorKind};

type Result<T> = std::result::Result<T, UdfError>;

/// An open aggregation, which has its instance to itself: the state is in there.
pub(super) struct Aggregation {
    module: Arc<Compiled>,
    /// `None` when it failed: its state is lost.
    live: Option<(Live, Calls)>,
    /// Its number among the component's.
    number: usize,
    /// What a crossing hands over.
    records: Arc<Vec<u8>>,
    pace: Pace,
    /// Whether there is nothing in the state.
    empty: bool,
}

impl Aggregation {
    /// Begins the aggregation `name` with an empty state.
    pub(super) fn begin(
        module: &Arc<Compiled>,
        live: Option<Live>,
        name: &str,
        args: &[u8],
        budget: &Budget,
    ) -> Result<Self> {
        let is = |f: &Function| f.info.name == name;
        let (exports, number) = module
            .aggregations
            .as_ref()
            .and_then(|a| Some((a, a.described.iter().position(is)?)))
            .ok_or_else(|| not_found(module, name))?;
        let mut live = match live {
            Some(live) => live,
            None => Live::start(module)?,
        };
        let calls = Calls::find(&mut live.store, &live.instance, exports)
            .map_err(|e| failure(&e, live.store.data(), &module.limits, &module.file))?;
        let mut aggregation = Self {
            module: module.clone(),
            live: Some((live, calls)),
            number,
            records: Arc::default(),
            pace: Pace::careful(),
            empty: true,
        };
        let parameters = (number as u32, Arc::from(args));
        aggregation.ask(budget, |calls, store| calls.begin.call(store, parameters))?;
        Ok(aggregation)
    }

    /// The memory that its instance holds, in bytes.
    pub(super) fn memory(&self) -> usize {
        let of = |(live, _): &(Live, Calls)| live.store.data().memory;
        self.live.as_ref().map_or(0, of)
    }

    /// Gives the instance back.
    pub(super) fn end(self) -> Option<Live> {
        self.live.map(|(live, _)| live)
    }

    /// Makes a call. After a failure there is no state, and no further call succeeds.
    fn ask<T>(
        &mut self,
        budget: &Budget,
        call: impl FnOnce(&Calls, &mut Store<State>) -> wasmtime::Result<Answer<T>>,
    ) -> Result<T> {
        let Some((mut live, calls)) = self.live.take() else {
            let message = "the aggregation failed before; its state is lost";
            return Err(UdfError::new(UdfErrorKind::Host, message));
        };
        if budget.is_cancelled() {
            let message = "the task was aborted";
            return Err(UdfError::new(UdfErrorKind::Cancelled, message));
        }
        let module = &self.module;
        module.shared.ticker.keep_ticking();
        live.store.data_mut().begin(&module.limits, budget);
        live.store.set_epoch_deadline(1);
        let answered = call(&calls, &mut live.store);
        live.store.data_mut().end();
        match answered {
            Ok((Ok(answer),)) => {
                self.live = Some((live, calls));
                Ok(answer)
            }
            Ok((Err(refused),)) => Err(refused.error(&module.file)),
            Err(e) => Err(failure(&e, live.store.data(), &module.limits, &module.file)),
        }
    }

    /// Hands over records from the front of `batch`; returns how many they were.
    fn cross(&mut self, batch: &[RecordContext], scope: &Scope, budget: &Budget) -> Result<usize> {
        let input = Arc::make_mut(&mut self.records);
        input.clear();
        let batch = &batch[..self.pace.next(batch.len())];
        let mut handed = batch.len();
        if let Some((live, _)) = &mut self.live {
            let bins = self.module.aggregations()[self.number].bins.as_deref();
            let state = live.store.data_mut();
            state.set_now(scope.now);
            handed = pack(batch, scope, bins, input, &mut state.stubs);
        }
        self.empty = false;
        let began = self.pace.began(handed);
        let records = self.records.clone();
        self.ask(budget, |calls, store| calls.fold.call(store, (records,)))?;
        self.pace.ended(began, self.module.limits.time());
        Ok(handed)
    }

    /// The value of what the component returned, and then the state is empty.
    fn value(&mut self, (kind, data): Packed) -> Result<Value> {
        self.empty = true;
        let module = &*self.module.file;
        let limit = self.module.limits.result_bytes;
        if data.len() > limit {
            return Err(outcome::too_big(data.len(), limit, module));
        }
        outcome::value(ParticleType(kind), Bytes::from(data)).map_err(|e| UdfError {
            module: module.into(),
            ..UdfError::new(UdfErrorKind::Result, e.to_string())
        })
    }
}

#[cold]
fn not_found(module: &Compiled, name: &str) -> UdfError {
    let is_function = module.functions.iter().any(|f| f.info.name == name);
    let message = if is_function {
        format!("{name} is a function on records, not an aggregation")
    } else {
        "function not found".into()
    };
    UdfError::new(UdfErrorKind::FunctionNotFound, message)
}

impl Aggregator for Aggregation {
    fn fold(
        &mut self,
        batch: &mut [RecordContext],
        scope: &Scope,
        budget: &Budget,
        _: &mut Vec<Value>,
    ) -> Result<()> {
        let mut rest = &*batch;
        while !rest.is_empty() {
            let handed = self.cross(rest, scope, budget)?;
            rest = &rest[handed..];
        }
        Ok(())
    }

    /// Takes nothing out of an empty state.
    fn take(&mut self, budget: &Budget, values: &mut Vec<Value>) -> Result<()> {
        if !self.empty {
            let state = self.ask(budget, |calls, store| calls.take.call(store, ()))?;
            values.push(self.value(state)?);
        }
        Ok(())
    }

    fn merge(&mut self, partial: &[Value], budget: &Budget) -> Result<()> {
        for value in partial {
            let mut data = Vec::new();
            value.write_particle(&mut data);
            let state = (value.kind().0, Arc::from(data));
            self.empty = false;
            self.ask(budget, |calls, store| calls.merge.call(store, (state,)))?;
        }
        Ok(())
    }

    fn finish(&mut self, budget: &Budget, values: &mut Vec<Value>) -> Result<()> {
        let value = self.ask(budget, |calls, store| calls.finish.call(store, ()))?;
        values.push(self.value(value)?);
        Ok(())
    }
}
