pub mod scene;
pub mod source;
