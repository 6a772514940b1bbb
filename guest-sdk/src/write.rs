//! What a function does to its record.

use petrel_packed::{BinHead, MAX_BIN_NAME, ParticleType, effect};

use crate::record::{Change, unnamed};
use crate::{Error, Record, Result, ToValue};

/// The expiry that a write gives its record; see [`Record::set_ttl`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ttl {
    /// The namespace's default.
    Default,
    /// Never.
    Never,
    /// As it is.
    Keep,
    /// So many seconds from now.
    Seconds(u32),
}

impl Ttl {
    fn to_wire(self) -> u32 {
        match self {
            Self::Default => 0,
            Self::Never => u32::MAX,
            Self::Keep => u32::MAX - 1,
            Self::Seconds(s) => s.clamp(1, u32::MAX - 2),
        }
    }

    pub(crate) fn from_wire(wire: u32) -> Self {
        match wire {
            0 => Self::Default,
            u32::MAX => Self::Never,
            wire if wire == u32::MAX - 1 => Self::Keep,
            seconds => Self::Seconds(seconds),
        }
    }
}

impl Record<'_> {
    /// Sets a bin for the rest of the invocation. Nil (`()` or `None`) removes it.
    ///
    /// ```
    /// let mut record = petrel_udf::Record::testing().build();
    /// record.set("visits", 1).unwrap();
    /// record.set("tags", ["a", "b"]).unwrap();
    /// assert_eq!(record.get_int("visits").unwrap(), 1);
    /// ```
    ///
    /// # Errors
    /// When the name is not 1 to 15 bytes long, and when the function names the bins that it sets
    /// and this is none of them.
    #[inline]
    pub fn set(&mut self, name: &str, value: impl ToValue) -> Result<()> {
        if name.is_empty() || name.len() > MAX_BIN_NAME {
            return Err(Error::new(format!(
                "bin {name:?}: a bin's name is 1 to {MAX_BIN_NAME} bytes long"
            )));
        }
        if let Some(named) = self.shared.signature.writes
            && !named.contains(&name)
        {
            return Err(unnamed(name, "sets (`writes(..)`)"));
        }
        let kind = value.kind();
        let out = &mut self.out;
        let start = out.len();
        out.extend_from_slice(&[0; 1 + BinHead::SIZE]);
        let name_at = out.len();
        out.extend_from_slice(name.as_bytes());
        let data_at = out.len();
        value.write_particle(out);
        let end = out.len();
        let head = BinHead {
            name: name.len() as u8,
            kind: ParticleType(kind),
            data: (end - data_at) as u32,
        };
        if let Some([opcode, slot @ ..]) = out.get_mut(start..name_at) {
            *opcode = effect::SET;
            slot.copy_from_slice(&head.to_bytes());
        }
        self.changes.push(Change {
            name: (name_at, data_at),
            kind,
            data: (data_at, end),
            saved: false,
        });
        Ok(())
    }

    /// Removes a bin for the rest of the invocation.
    ///
    /// ```
    /// let mut record = petrel_udf::Record::testing().bin("old", 1).build();
    /// record.remove_bin("old").unwrap();
    /// assert!(!record.has("old"));
    /// ```
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn remove_bin(&mut self, name: &str) -> Result<()> {
        self.set(name, ())
    }

    /// Sets the expiry that the next create or update gives the record.
    ///
    /// ```
    /// use petrel_udf::testing::Effect;
    /// use petrel_udf::{Record, Ttl};
    ///
    /// let mut record = Record::testing().build();
    /// record.set_ttl(Ttl::Seconds(60));
    /// record.update().unwrap();
    /// assert_eq!(record.effects(), [Effect::Ttl(Ttl::Seconds(60)), Effect::Update]);
    /// ```
    pub fn set_ttl(&mut self, ttl: Ttl) {
        let wire = ttl.to_wire();
        self.out.push(effect::TTL);
        self.out.extend_from_slice(&wire.to_le_bytes());
    }

    /// Creates the record with the bins set so far.
    ///
    /// ```
    /// let mut record = petrel_udf::Record::testing().missing().build();
    /// record.set("visits", 1).unwrap();
    /// record.create().unwrap();
    /// assert!(record.create().is_err());
    /// ```
    ///
    /// # Errors
    /// When it exists already.
    pub fn create(&mut self) -> Result<()> {
        if self.exists {
            return Err(Error::new("create: the record exists already"));
        }
        self.exists = true;
        self.keep(effect::CREATE);
        Ok(())
    }

    /// Stores the bins set so far.
    ///
    /// ```
    /// let mut record = petrel_udf::Record::testing().bin("visits", 1).build();
    /// record.set("visits", 2).unwrap();
    /// record.update().unwrap();
    /// ```
    ///
    /// # Errors
    /// When there is no record.
    #[inline]
    pub fn update(&mut self) -> Result<()> {
        if !self.exists {
            return Err(Error::new("update: there is no record; create it first"));
        }
        self.keep(effect::UPDATE);
        Ok(())
    }

    /// Stores the bins set so far, in a record that is created if there is none: what a counter wants
    /// that begins with the first call.
    ///
    /// ```
    /// use petrel_udf::{Record, Result};
    ///
    /// fn visit(record: &mut Record) -> Result<i64> {
    ///     let visits = record.get_or("visits", 0)? + 1;
    ///     record.set("visits", visits)?;
    ///     record.save()?; // `update` would fail on the first visit
    ///     Ok(visits)
    /// }
    ///
    /// let mut first = Record::testing().missing().build();
    /// assert_eq!(visit(&mut first).unwrap(), 1);
    /// assert!(first.exists());
    /// ```
    ///
    /// # Errors
    /// None.
    #[inline]
    pub fn save(&mut self) -> Result<()> {
        if self.exists {
            self.update()
        } else {
            self.create()
        }
    }

    #[inline]
    fn keep(&mut self, effect: u8) {
        self.out.push(effect);
        for change in &mut self.changes {
            change.saved = true;
        }
    }

    /// Removes the record.
    ///
    /// ```
    /// let mut record = petrel_udf::Record::testing().build();
    /// record.remove().unwrap();
    /// assert!(!record.exists());
    /// ```
    ///
    /// # Errors
    /// When there is none.
    pub fn remove(&mut self) -> Result<()> {
        if !self.exists {
            return Err(Error::new("remove: there is no record"));
        }
        self.exists = false;
        self.cleared = true;
        self.changes.retain(|change| !change.saved);
        self.out.push(effect::REMOVE);
        Ok(())
    }
}
