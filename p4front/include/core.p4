// core.p4: the declarations that every P4_16 program may rely on (specification 1.2.5, appendix D).

#ifndef _CORE_P4_
#define _CORE_P4_

// Why a parser stopped. Programs may add members; these come first, so NoError is 0.
error {
    NoError,
    PacketTooShort,         // the packet ends inside what extract, lookahead or advance asked for
    NoMatch,                // no case of a select fits
    StackOutOfBounds,       // .next of a full stack, .last of an empty one
    HeaderTooShort,         // a varbit is asked to hold more bits than it can
    ParserTimeout,          // the target gave up
    ParserInvalidArgument   // the target cannot do this with such a value
}

// The packet as a parser sees it: a sequence of bits and a cursor.
extern packet_in {
    // Fills a header of fixed size from the cursor on, makes it valid, moves the cursor behind it.
    void extract<T>(out T hdr);
    // The same for a header with one varbit field, which gets the given number of bits.
    void extract<T>(out T variableSizeHeader, in bit<32> variableFieldSizeInBits);
    // The next bits as a value; the cursor stays.
    T lookahead<T>();
    // Moves the cursor.
    void advance(in bit<32> sizeInBits);
    // Bytes in the whole packet.
    bit<32> length();
}

// The packet as a deparser builds it.
extern packet_out {
    // Appends a valid header; of stacks, unions and structs all valid headers in order.
    void emit<T>(in T hdr);
}

// In a parser: goes on if `check` holds, else sets the parser error and goes to reject.
extern void verify(in bool check, in error toSignal);

// Does nothing.
@noWarn("unused")
action NoAction() {}

match_kind {
    exact,      // all bits are equal
    ternary,    // the bits under a mask are equal
    lpm         // the bits of a prefix are equal; the longest prefix wins
}

// Stop the compilation with a message if the argument is false; true otherwise.
extern bool static_assert(bool check, string message);
extern bool static_assert(bool check);

#endif
