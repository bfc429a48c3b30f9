//! What the fuzz targets do with their input.

pub mod canonical;
pub mod denial;
pub mod packet_path;
pub mod reply_path;
