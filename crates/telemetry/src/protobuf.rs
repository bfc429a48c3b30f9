//! The few encodings of Protocol Buffers that are needed: fields of scalar types and of nested messages.

/// Octets of a varint, at most.
const MAX_VARINT_OCTETS: usize = 10;

/// The type of a field on the wire.
#[derive(Clone, Copy)]
enum WireType {
    Varint = 0,
    Fixed64 = 1,
    Length = 2,
    Fixed32 = 5,
}

/// A message under construction. Fields are written in the order of the calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProtobufMessage(Vec<u8>);

impl ProtobufMessage {
    /// An unsigned number, a boolean or an enumeration (`uint32`, `uint64`, `bool`, `enum`).
    pub(crate) fn put_unsigned(&mut self, field: u32, number: u64) {
        self.put_key(field, WireType::Varint);
        put_varint(&mut self.0, number);
    }

    /// A signed number (`sint32`, `sint64`).
    pub(crate) fn put_signed(&mut self, field: u32, number: i64) {
        self.put_unsigned(field, zigzag(number));
    }

    /// A floating-point number (`double`).
    pub(crate) fn put_double(&mut self, field: u32, number: f64) {
        self.put_key(field, WireType::Fixed64);
        self.0.extend(number.to_le_bytes());
    }

    /// A number in four octets (`fixed32`).
    pub(crate) fn put_fixed32(&mut self, field: u32, number: u32) {
        self.put_key(field, WireType::Fixed32);
        self.0.extend(number.to_le_bytes());
    }

    /// Octets or a text (`bytes`, `string`).
    pub(crate) fn put_octets(&mut self, field: u32, octets: &[u8]) {
        self.put_key(field, WireType::Length);
        put_varint(&mut self.0, octets.len() as u64);
        self.0.extend_from_slice(octets);
    }

    /// A nested message.
    pub(crate) fn put_message(&mut self, field: u32, message: &ProtobufMessage) {
        self.put_octets(field, &message.0);
    }

    /// Signed numbers in one field (`repeated sint64`, packed).
    pub(crate) fn put_packed_signed(&mut self, field: u32, numbers: impl Iterator<Item = i64>) {
        let mut packed = Vec::new();
        numbers.for_each(|number| put_varint(&mut packed, zigzag(number)));
        self.put_octets(field, &packed);
    }

    /// The octets of the message.
    pub(crate) fn octets(&self) -> &[u8] {
        &self.0
    }

    /// The octets of the message.
    pub(crate) fn into_octets(self) -> Vec<u8> {
        self.0
    }

    fn put_key(&mut self, field: u32, wire_type: WireType) {
        put_varint(&mut self.0, u64::from(field) << 3 | wire_type as u64);
    }
}

/// Adds a number in groups of seven bits, the lowest first.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    for _ in 0..MAX_VARINT_OCTETS {
        let low = (number & 0x7F) as u8;
        number >>= 7;
        if number == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Small numbers of either sign as small unsigned numbers: 0, -1, 1, -2 become 0, 1, 2, 3.
fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_manual_of_protocol_buffers_shows() {
        let varint = |number| {
            let mut out = Vec::new();
            put_varint(&mut out, number);
            out
        };
        assert_eq!(varint(1), [1]);
        assert_eq!(varint(150), [0x96, 0x01]);
        assert_eq!(varint(u64::MAX).len(), MAX_VARINT_OCTETS);
        assert_eq!([0, -1, 1, -2].map(zigzag), [0, 1, 2, 3]);
        assert_eq!(zigzag(i64::MIN), u64::MAX);
    }

    #[test]
    fn fields_have_their_number_and_type_in_front() {
        let mut inner = ProtobufMessage::default();
        inner.put_unsigned(1, 150);
        let mut message = ProtobufMessage::default();
        message.put_octets(2, b"testing");
        message.put_message(3, &inner);
        message.put_fixed32(4, 1);
        message.put_signed(5, -1);
        message.put_packed_signed(6, [1, -1].into_iter());
        message.put_double(7, 1.0);
        let expected: &[&[u8]] = &[
            b"\x12\x07testing",
            b"\x1A\x03\x08\x96\x01",
            b"\x25\x01\0\0\0",
            b"\x28\x01",
            b"\x32\x02\x02\x01",
            b"\x39\0\0\0\0\0\0\xF0\x3F",
        ];
        assert_eq!(message.octets(), expected.concat());
    }
}
