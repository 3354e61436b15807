//! The Plimsoll trace vocabulary: format, reader, writer.
