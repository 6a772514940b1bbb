//! The indexes of a namespace.

use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool,
    Ordering::{Relaxed, SeqCst},
};

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use super::build::{self, Builder};
use super::{Catalog, Definition, Index, IndexError, Place, State};
use crate::model::{Digest, Record};
use crate::store::{Answer, Observer, RecordStore, StoreError};

/// How many indexes a namespace may have.
pub const MAX_INDEXES: usize = 256;

/// The indexes of a namespace, which follow its commits.
pub struct Indexes {
    store: Arc<dyn RecordStore>,
    catalog: Box<dyn Catalog>,
    now: ArcSwap<Vec<Arc<Index>>>,
    /// Whether there are any.
    watching: AtomicBool,
    /// One creation or removal at a time; the thread that builds, once there was one.
    changing: Mutex<Option<Builder>>,
}

impl Indexes {
    /// No indexes, and none that outlive this.
    pub fn new(store: Arc<dyn RecordStore>) -> Self {
        Self {
            store,
            catalog: Box::new(()),
            now: ArcSwap::default(),
            watching: AtomicBool::new(false),
            changing: Mutex::default(),
        }
    }

    /// The indexes of a catalog, which keeps those to come, built from the records.
    ///
    /// # Errors
    /// The store's.
    pub fn open(
        store: Arc<dyn RecordStore>,
        catalog: Box<dyn Catalog>,
    ) -> Result<Self, StoreError> {
        let mut definitions = Vec::new();
        for definition in catalog.load()? {
            // An index that was being renamed as the process ended is kept under both names.
            if definitions
                .iter()
                .any(|other| definition.is_of_the_same(other))
            {
                drop(catalog.forget(&definition.name));
                continue;
            }
            definitions.push(definition);
        }
        let indexes = build::at_start(&*store, definitions)?;
        Ok(Self {
            watching: AtomicBool::new(!indexes.is_empty()),
            now: ArcSwap::from_pointee(indexes),
            catalog,
            ..Self::new(store)
        })
    }

    /// Makes an index and begins to build it. One of the same, under another name, is renamed.
    ///
    /// # Errors
    /// [`IndexError::Taken`], [`IndexError::TooMany`]; [`IndexError::Store`] when it cannot be kept.
    pub async fn create(&self, definition: Definition) -> Result<(), IndexError> {
        let set = definition.set_id(&*self.store).await?;
        // Not for as long as that is waited for.
        let kept = self.create_in(set, definition)?;
        for answer in kept {
            answer.await?;
        }
        Ok(())
    }

    fn create_in(
        &self,
        set: Option<u16>,
        definition: Definition,
    ) -> Result<Vec<Answer<'_, Result<(), StoreError>>>, IndexError> {
        let mut builder = self.changing.lock();
        let mut indexes = Vec::clone(&self.now.load());
        if let Some(index) = find(&indexes, &definition.name) {
            return match index.definition().is_of_the_same(&definition) {
                true => Ok(Vec::new()),
                false => Err(IndexError::Taken),
            };
        }
        let same = |index: &Arc<Index>| index.definition().is_of_the_same(&definition);
        if let Some(at) = indexes.iter().position(same) {
            let old = indexes[at].clone();
            let kept = self.catalog.keep(&definition);
            let forgotten = self.catalog.forget(&old.definition().name);
            indexes[at] = Arc::new(old.renamed(&definition.name));
            self.now.store(Arc::new(indexes));
            return Ok(vec![kept, forgotten]);
        }
        if indexes.len() >= MAX_INDEXES {
            return Err(IndexError::TooMany(MAX_INDEXES));
        }
        let kept = self.catalog.keep(&definition);
        let index = Arc::new(Index::new(definition, set));
        indexes.push(index.clone());
        self.now.store(Arc::new(indexes));
        self.watching.store(true, SeqCst);
        self.builder(&mut builder).build(index);
        Ok(vec![kept])
    }

    /// Drops an index; says whether there was one of that name.
    ///
    /// # Errors
    /// [`IndexError::Store`] when it cannot be forgotten.
    pub async fn drop(&self, name: &str) -> Result<bool, IndexError> {
        let Some(forgotten) = self.drop_in(name) else {
            return Ok(false);
        };
        forgotten.await?;
        Ok(true)
    }

    fn drop_in(&self, name: &str) -> Option<Answer<'_, Result<(), StoreError>>> {
        let mut builder = self.changing.lock();
        let mut indexes = Vec::clone(&self.now.load());
        let named = |index: &Arc<Index>| index.definition().name == name;
        let index = indexes.remove(indexes.iter().position(named)?);
        let forgotten = self.catalog.forget(name);
        self.watching.store(!indexes.is_empty(), SeqCst);
        self.now.store(Arc::new(indexes));
        index.mark_dropped();
        self.builder(&mut builder).free(index);
        Some(forgotten)
    }

    fn builder<'a>(&self, builder: &'a mut Option<Builder>) -> &'a Builder {
        builder.get_or_insert_with(|| Builder::start(self.store.clone()))
    }

    /// All of them, in the order in which they were made.
    pub fn all(&self) -> Arc<Vec<Arc<Index>>> {
        self.now.load_full()
    }

    /// The index of a name.
    pub fn named(&self, name: &str) -> Option<Arc<Index>> {
        find(&self.now.load(), name).cloned()
    }

    /// The readable index of a name.
    ///
    /// # Errors
    /// [`IndexError::Missing`], [`IndexError::NotReadable`].
    pub fn readable(&self, name: &str) -> Result<Arc<Index>, IndexError> {
        is_readable(self.named(name))
    }

    /// The readable index of a place over a set, else over the namespace.
    ///
    /// # Errors
    /// [`IndexError::Missing`], [`IndexError::NotReadable`].
    pub fn of(&self, set: &[u8], place: &Place) -> Result<Arc<Index>, IndexError> {
        let all = self.now.load();
        let over = |set: &[u8]| {
            let of_it = |index: &&Arc<Index>| {
                let definition = index.definition();
                definition.set.as_bytes() == set && definition.place == *place
            };
            all.iter().find(of_it).cloned()
        };
        is_readable(over(set).or_else(|| over(b"")))
    }
}

impl Observer for Indexes {
    fn is_watching(&self) -> bool {
        self.watching.load(Relaxed)
    }

    fn changed(&self, digest: &Digest, before: Option<&Record>, after: Option<&Record>) {
        for index in self.now.load().iter() {
            index.changed(digest, before, after);
        }
    }
}

impl std::fmt::Debug for Indexes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.now.load().iter()).finish()
    }
}

fn find<'a>(indexes: &'a [Arc<Index>], name: &str) -> Option<&'a Arc<Index>> {
    indexes.iter().find(|index| index.definition().name == name)
}

fn is_readable(index: Option<Arc<Index>>) -> Result<Arc<Index>, IndexError> {
    let index = index.ok_or(IndexError::Missing)?;
    match index.state() {
        State::Readable => Ok(index),
        State::Building | State::Failed => {
            Err(IndexError::NotReadable(index.definition().name.clone()))
        }
    }
}
