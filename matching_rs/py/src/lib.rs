//! The Python module `cift_matching`.

use pyo3::prelude::*;

/// The compiled half of `cift_matching`.
#[pymodule]
mod _cift_matching {
    #[pymodule_export]
    const ENGINE_VERSION: u32 = cift_core::ENGINE_VERSION;
}
