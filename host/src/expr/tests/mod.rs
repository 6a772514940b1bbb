//! The room's behaviour, through both wire forms.

mod any_input;
mod fixture;
mod text_form;
mod wire_form;
