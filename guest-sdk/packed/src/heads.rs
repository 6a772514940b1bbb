//! What records on their way into a component begin with, and outcomes on their way out. The
//! layout is told in `wit/petrel-udf.wit`.

use crate::{Cut, Fields, ParticleType};

/// The version of both forms.
///
/// ```
/// use petrel_packed::{OutcomesHead, VERSION};
///
/// assert_eq!(OutcomesHead { version: VERSION, count: 0 }.to_bytes()[0], VERSION);
/// ```
pub const VERSION: u8 = 1;

/// Bit of a bin's type: the bin is a stub, which holds the length of its particle as `u32`.
///
/// ```
/// use petrel_packed::{ParticleType, STUB};
///
/// let kind = ParticleType(ParticleType::LIST.0 | STUB);
/// assert!(!kind.is_storable() && kind.0 & !STUB == ParticleType::LIST.0);
/// ```
pub const STUB: u8 = 0x80;

/// Flags of a record.
///
/// ```
/// use petrel_packed::flag;
///
/// assert_eq!(flag::EXISTS & flag::STORES_KEY, 0);
/// ```
pub mod flag {
    /// The record exists.
    pub const EXISTS: u8 = 1;
    /// It stores its user key.
    pub const STORES_KEY: u8 = 2;
}

/// The status of an outcome.
///
/// ```
/// use petrel_packed::status;
///
/// assert_eq!([status::OK, status::FAILED, status::ARGUMENTS], [0, 1, 2]);
/// ```
pub mod status {
    /// The function succeeded.
    pub const OK: u8 = 0;
    /// The function failed.
    pub const FAILED: u8 = 1;
    /// The arguments do not fit the function.
    pub const ARGUMENTS: u8 = 2;
}

/// The opcodes of effects.
///
/// ```
/// use petrel_packed::effect;
///
/// assert!((effect::SET..=effect::TTL).contains(&effect::UPDATE));
/// ```
pub mod effect {
    /// Sets a bin, which follows; of type 0, with no data, removes it.
    pub const SET: u8 = 1;
    /// Creates the record.
    pub const CREATE: u8 = 2;
    /// Stores the bins set so far.
    pub const UPDATE: u8 = 3;
    /// Removes the record.
    pub const REMOVE: u8 = 4;
    /// Gives the next write an expiry, which follows as `u32`.
    pub const TTL: u8 = 5;
}

/// What a batch of records begins with. The names of the namespace and of the sets follow,
/// each as [`pack_name`](crate::pack_name) writes it, and then the records.
///
/// ```
/// use petrel_packed::{Fields, RecordsHead, VERSION};
///
/// let head = RecordsHead { version: VERSION, sets: 1, count: 256, now: 7 };
/// assert_eq!(RecordsHead::read(&mut Fields::new(&head.to_bytes())), Ok(head));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordsHead {
    /// [`VERSION`], if both sides speak the same.
    pub version: u8,
    /// How many set names there are.
    pub sets: u16,
    /// How many records there are.
    pub count: u32,
    /// Seconds since 2010-01-01 UTC.
    pub now: u32,
}

impl RecordsHead {
    /// Its size in bytes.
    pub const SIZE: usize = 12;

    /// Reads it.
    ///
    /// # Errors
    /// [`Cut`] when there are fewer bytes.
    pub fn read(fields: &mut Fields<'_>) -> Result<Self, Cut> {
        let mut fields = Fields::new(fields.array::<{ Self::SIZE }>()?);
        let [version, _] = *fields.array()?;
        Ok(Self {
            version,
            sets: fields.u16()?,
            count: fields.u32()?,
            now: fields.u32()?,
        })
    }

    /// The bytes that [`RecordsHead::read`] reads.
    pub fn to_bytes(self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        bytes[0] = self.version;
        bytes[2..4].copy_from_slice(&self.sets.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.count.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.now.to_le_bytes());
        bytes
    }
}

/// What a record begins with. The user key's particle follows, and then the bins.
///
/// ```
/// use petrel_packed::{Fields, ParticleType, RecordHead, flag};
///
/// let head = RecordHead {
///     len: RecordHead::SIZE as u32 - 4 + 3,
///     digest: [9; 20],
///     set: 0,
///     generation: 1,
///     void_time: 0,
///     last_update: 5,
///     flags: flag::EXISTS,
///     key_kind: ParticleType::STRING,
///     key_len: 3,
/// };
/// assert_eq!(RecordHead::read(&mut Fields::new(&head.to_bytes())), Ok(head));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordHead {
    /// How many bytes the record has after this field.
    pub len: u32,
    /// The record's digest.
    pub digest: [u8; 20],
    /// The set's place among the set names.
    pub set: u16,
    /// 0 for a missing record.
    pub generation: u16,
    /// Expiry in seconds since 2010-01-01 UTC; 0 for never.
    pub void_time: u32,
    /// Milliseconds since 2010-01-01 UTC; 0 for a missing record.
    pub last_update: u64,
    /// See [`flag`].
    pub flags: u8,
    /// The type of the user key, or [`ParticleType::NULL`].
    pub key_kind: ParticleType,
    /// How long the user key is.
    pub key_len: u32,
}

impl RecordHead {
    /// Its size in bytes.
    pub const SIZE: usize = 46;

    /// Reads it.
    ///
    /// # Errors
    /// [`Cut`] when there are fewer bytes.
    #[inline]
    pub fn read(fields: &mut Fields<'_>) -> Result<Self, Cut> {
        let mut fields = Fields::new(fields.array::<{ Self::SIZE }>()?);
        Ok(Self {
            len: fields.u32()?,
            digest: *fields.array()?,
            set: fields.u16()?,
            generation: fields.u16()?,
            void_time: fields.u32()?,
            last_update: fields.u64()?,
            flags: fields.u8()?,
            key_kind: ParticleType(fields.u8()?),
            key_len: fields.u32()?,
        })
    }

    /// The bytes that [`RecordHead::read`] reads.
    #[inline]
    pub fn to_bytes(&self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        bytes[0..4].copy_from_slice(&self.len.to_le_bytes());
        bytes[4..24].copy_from_slice(&self.digest);
        bytes[24..26].copy_from_slice(&self.set.to_le_bytes());
        bytes[26..28].copy_from_slice(&self.generation.to_le_bytes());
        bytes[28..32].copy_from_slice(&self.void_time.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.last_update.to_le_bytes());
        bytes[40] = self.flags;
        bytes[41] = self.key_kind.0;
        bytes[42..46].copy_from_slice(&self.key_len.to_le_bytes());
        bytes
    }
}

/// What outcomes begin with: as many outcomes follow as there were records.
///
/// ```
/// use petrel_packed::{Fields, OutcomesHead, VERSION};
///
/// let head = OutcomesHead { version: VERSION, count: 2 };
/// assert_eq!(OutcomesHead::read(&mut Fields::new(&head.to_bytes())), Ok(head));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutcomesHead {
    /// [`VERSION`], if both sides speak the same.
    pub version: u8,
    /// How many outcomes there are.
    pub count: u32,
}

impl OutcomesHead {
    /// Its size in bytes.
    pub const SIZE: usize = 8;

    /// Reads it.
    ///
    /// # Errors
    /// [`Cut`] when there are fewer bytes.
    pub fn read(fields: &mut Fields<'_>) -> Result<Self, Cut> {
        let [version, _, _, _, count @ ..] = *fields.array::<{ Self::SIZE }>()?;
        Ok(Self {
            version,
            count: u32::from_le_bytes(count),
        })
    }

    /// The bytes that [`OutcomesHead::read`] reads.
    pub fn to_bytes(self) -> [u8; Self::SIZE] {
        let [a, b, c, d] = self.count.to_le_bytes();
        [self.version, 0, 0, 0, a, b, c, d]
    }
}

/// What an outcome begins with. The effects follow, and then the result's particle.
///
/// ```
/// use petrel_packed::{Fields, OutcomeHead, ParticleType, status};
///
/// let head = OutcomeHead {
///     status: status::OK,
///     kind: ParticleType::INTEGER,
///     effects: 0,
///     result: 8,
/// };
/// assert_eq!(OutcomeHead::read(&mut Fields::new(&head.to_bytes())), Ok(head));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutcomeHead {
    /// See [`status`].
    pub status: u8,
    /// The type of the result; string for the message of a failure.
    pub kind: ParticleType,
    /// How many bytes of effects follow; 0 for a failure.
    pub effects: u32,
    /// How many bytes of the result follow them.
    pub result: u32,
}

impl OutcomeHead {
    /// Its size in bytes.
    pub const SIZE: usize = 12;

    /// Reads it.
    ///
    /// # Errors
    /// [`Cut`] when there are fewer bytes.
    #[inline]
    pub fn read(fields: &mut Fields<'_>) -> Result<Self, Cut> {
        let mut fields = Fields::new(fields.array::<{ Self::SIZE }>()?);
        let [status, kind, _, _] = *fields.array()?;
        Ok(Self {
            status,
            kind: ParticleType(kind),
            effects: fields.u32()?,
            result: fields.u32()?,
        })
    }

    /// The bytes that [`OutcomeHead::read`] reads.
    #[inline]
    pub fn to_bytes(self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        bytes[0] = self.status;
        bytes[1] = self.kind.0;
        bytes[4..8].copy_from_slice(&self.effects.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.result.to_le_bytes());
        bytes
    }
}
