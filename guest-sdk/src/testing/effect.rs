//! What a function did to its record.

use petrel_packed::{BinHead, Cut, Fields, effect};

use crate::{FromValue, Record, Result, ToValue, Ttl, Value, ValueRef};

/// Something that a function did to its record; see [`Record::effects`].
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// A bin was set, or removed when the value is nil. It is stored by a create or update that
    /// follows.
    Set(String, Value),
    /// The expiry of the next create or update was set.
    Ttl(Ttl),
    /// The record was created with the bins set so far.
    Create,
    /// The bins set so far were stored.
    Update,
    /// The record was removed.
    Remove,
}

impl Effect {
    /// That of [`Record::set`] with the same bin and value.
    pub fn set(bin: &str, value: impl ToValue) -> Self {
        let mut data = Vec::new();
        value.write_particle(&mut data);
        Self::Set(bin.to_owned(), owned(value.kind(), &data))
    }

    fn read(effects: &mut Fields<'_>) -> Result<Option<Self>, Cut> {
        Ok(Some(match effects.u8()? {
            effect::SET => {
                let head = BinHead::read(effects)?;
                let name = effects.take(head.name.into())?;
                let data = effects.take(head.data as usize)?;
                let name = String::from_utf8_lossy(name).into_owned();
                Self::Set(name, owned(head.kind.0, data))
            }
            effect::TTL => Self::Ttl(Ttl::from_wire(effects.u32()?)),
            effect::CREATE => Self::Create,
            effect::UPDATE => Self::Update,
            effect::REMOVE => Self::Remove,
            _ => return Ok(None),
        }))
    }
}

fn owned(kind: u8, data: &[u8]) -> Value {
    let value = ValueRef::from_particle(kind, data).and_then(Value::from_value);
    // What was packed here reads back.
    value.unwrap_or(Value::Nil)
}

impl Record<'_> {
    /// What was done to a record that a test made up, in order. The host does the same to the stored
    /// record when the function returns `Ok`, and nothing when it does not.
    ///
    /// ```
    /// use petrel_udf::Record;
    /// use petrel_udf::testing::Effect;
    ///
    /// let mut record = Record::testing().missing().build();
    /// record.set("visits", 1).unwrap();
    /// record.save().unwrap();
    /// assert_eq!(record.effects(), [Effect::set("visits", 1), Effect::Create]);
    /// ```
    pub fn effects(&self) -> Vec<Effect> {
        let mut packed = Fields::new(&self.out);
        std::iter::from_fn(|| Effect::read(&mut packed).ok().flatten()).collect()
    }
}
