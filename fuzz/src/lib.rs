//! What the fuzz targets do with their input.

pub mod canonical;
pub mod denial;
pub mod entries;
pub mod packet_path;
pub mod reply_path;
