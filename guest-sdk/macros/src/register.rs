//! How what is marked gets into the component's exports.

use proc_macro2::TokenStream as Tokens;
use quote::quote;

/// Adds the static `ITEM` to `exports` of the component before its first export is called.
pub fn register(exports: &Tokens) -> Tokens {
    quote! {
        #[cfg(target_family = "wasm")]
        #[used]
        #[unsafe(link_section = ".init_array")]
        static REGISTER: extern "C" fn() = {
            extern "C" fn register() {
                ::petrel_udf::rt::#exports.register(&ITEM);
            }
            register
        };
    }
}
