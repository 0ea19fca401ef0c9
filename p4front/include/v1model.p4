// v1model.p4: the architecture of simple_switch. Names, types and their order are an interface; programs written for
// other compilers must fit. V1MODEL_VERSION chooses the index types of counters, meters and registers: before 20200408
// an index is a bit<32>, from then on its type is a parameter, and port numbers have a type of their own, PortId_t.

#ifndef _V1_MODEL_P4_
#define _V1_MODEL_P4_

#include "core.p4"

#ifndef V1MODEL_VERSION
#define V1MODEL_VERSION 20180101
#endif

match_kind {
    range,      // between two values, both included
    optional,   // exact, or anything
    selector    // not matched: input to an action selector's hash
}

const bit<32> __v1model_version = V1MODEL_VERSION;

#if V1MODEL_VERSION >= 20200408
typedef bit<9> PortId_t;
#endif

// What the switch knows of a packet. @alias gives the name that simple_switch uses inside.
@metadata @name("standard_metadata")
struct standard_metadata_t {
#if V1MODEL_VERSION >= 20200408
    PortId_t ingress_port;
    PortId_t egress_spec;   // where the ingress sends the packet; 511 drops it
    PortId_t egress_port;   // where it is sent, known in the egress
#else
    bit<9> ingress_port;
    bit<9> egress_spec;
    bit<9> egress_port;
#endif
    bit<32> instance_type;  // 0 normal, 1 ingress clone, 2 egress clone, 4 recirculated, 5 replicated, 6 resubmitted
    bit<32> packet_length;  // bytes
    @alias("queueing_metadata.enq_timestamp")
    bit<32> enq_timestamp;  // microseconds
    @alias("queueing_metadata.enq_qdepth")
    bit<19> enq_qdepth;     // packets
    @alias("queueing_metadata.deq_timedelta")
    bit<32> deq_timedelta;  // microseconds in the queue
    @alias("queueing_metadata.deq_qdepth")
    bit<19> deq_qdepth;
    @alias("intrinsic_metadata.ingress_global_timestamp")
    bit<48> ingress_global_timestamp;   // microseconds since the switch started
    @alias("intrinsic_metadata.egress_global_timestamp")
    bit<48> egress_global_timestamp;
    @alias("intrinsic_metadata.mcast_grp")
    bit<16> mcast_grp;      // replicates to this group; 0 for none
    @alias("intrinsic_metadata.egress_rid")
    bit<16> egress_rid;     // which replica of the group this is
    bit<1> checksum_error;  // 1 if a verify_checksum failed
    error parser_error;
    @alias("intrinsic_metadata.priority")
    bit<3> priority;        // of the queue
}

// What counters count and meters measure.
enum CounterType {
    packets,
    bytes,
    packets_and_bytes
}

enum MeterType {
    packets,
    bytes
}

// An array of counters; an index outside of it counts nothing. The control plane reads them.
extern counter
#if V1MODEL_VERSION >= 20200408
<I>
#endif
{
    counter(bit<32> size, CounterType type);
#if V1MODEL_VERSION >= 20200408
    void count(in I index);
#else
    void count(in bit<32> index);
#endif
}

// One counter for each entry of the table that names it as its `counters`; a match counts without a call.
extern direct_counter {
    direct_counter(CounterType type);
    void count();
}

#define V1MODEL_METER_COLOR_GREEN 0
#define V1MODEL_METER_COLOR_YELLOW 1
#define V1MODEL_METER_COLOR_RED 2

// An array of two-rate three-colour meters. The result is a colour: 0 green, 1 yellow, 2 red.
extern meter
#if V1MODEL_VERSION >= 20200408
<I>
#endif
{
    meter(bit<32> size, MeterType type);
#if V1MODEL_VERSION >= 20200408
    void execute_meter<T>(in I index, out T result);
#else
    void execute_meter<T>(in bit<32> index, out T result);
#endif
}

// One meter for each entry of the table that names it as its `meters`; read gives the colour of the match.
extern direct_meter<T> {
    direct_meter(MeterType type);
    void read(out T result);
}

// An array of values that packets and the control plane read and write.
#if V1MODEL_VERSION >= 20200408
extern register<T, I>
#else
extern register<T>
#endif
{
    register(bit<32> size);
    @noSideEffects
#if V1MODEL_VERSION >= 20200408
    void read(out T result, in I index);
#else
    void read(out T result, in bit<32> index);
#endif
#if V1MODEL_VERSION >= 20200408
    void write(in I index, in T value);
#else
    void write(in bit<32> index, in T value);
#endif
}

// As a table's `implementation`: its entries name members of a profile, which hold the action and its arguments.
extern action_profile {
    action_profile(bit<32> size);
}

// A random value between the two bounds, both included.
extern void random<T>(out T result, in T lo, in T hi);

// Sends values to the control plane, as they are at this point.
extern void digest<T>(in bit<32> receiver, in T data);

enum HashAlgorithm {
    crc32,
    crc32_custom,
    crc16,
    crc16_custom,
    random,
    identity,
    csum16,
    xor16
}

// Marks the packet to be dropped at the end of the control: egress_spec becomes 511, mcast_grp 0.
@deprecated("use mark_to_drop(standard_metadata)")
extern void mark_to_drop();
@pure
extern void mark_to_drop(inout standard_metadata_t standard_metadata);

// result = base + hash(data) mod max; base if max is 0.
@pure
extern void hash<O, T, D, M>(out O result, in HashAlgorithm algo, in T base, in D data, in M max);

// As a table's `implementation`: a profile with groups; the keys of match kind `selector` choose a group's member.
extern action_selector {
    action_selector(HashAlgorithm algorithm, bit<32> size, bit<32> outputWidth);
}

enum CloneType {
    I2E,
    E2E
}

@deprecated("use verify_checksum and update_checksum")
extern Checksum16 {
    Checksum16();
    bit<16> get<D>(in D data);
}

// Only in VerifyChecksum: sets checksum_error if the condition holds and the checksum of data is another.
extern void verify_checksum<T, O>(in bool condition, in T data, in O checksum, HashAlgorithm algo);

// Only in ComputeChecksum: writes the checksum of data if the condition holds.
@pure
extern void update_checksum<T, O>(in bool condition, in T data, inout O checksum, HashAlgorithm algo);

// The same two over data followed by what the parser left of the packet.
extern void verify_checksum_with_payload<T, O>(in bool condition, in T data, in O checksum, HashAlgorithm algo);
@noSideEffects
extern void update_checksum_with_payload<T, O>(in bool condition, in T data, inout O checksum, HashAlgorithm algo);

// Copies of the packet to the egress: CloneType.I2E as it came in, CloneType.E2E as it goes out. The control plane says
// where a session leads. Only the last call of a control counts. `index` names the metadata fields that the copy keeps:
// those with @field_list(index). The same index serves resubmit (back to the parser, from the ingress) and recirculate
// (the deparsed packet, from the egress).
extern void clone(in CloneType type, in bit<32> session);

@deprecated("use resubmit_preserving_field_list")
extern void resubmit<T>(in T data);
extern void resubmit_preserving_field_list(bit<8> index);

@deprecated("use recirculate_preserving_field_list")
extern void recirculate<T>(in T data);
extern void recirculate_preserving_field_list(bit<8> index);

@deprecated("use clone_preserving_field_list")
extern void clone3<T>(in CloneType type, in bit<32> session, in T data);
extern void clone_preserving_field_list(in CloneType type, in bit<32> session, bit<8> index);

// Cuts the packet to this many bytes when it leaves.
extern void truncate(in bit<32> length);

// Report a condition that does not hold. The second is for verification tools: assume that it holds.
extern void assert(in bool check);
extern void assume(in bool check);

// A line in the switch's log; each {} stands for one of the values.
extern void log_msg(string msg);
extern void log_msg<T>(string msg, in T data);

// The architecture: H is a struct of headers, stacks and unions; M a struct of the program's own metadata.
parser Parser<H, M>(packet_in b, out H parsedHdr, inout M meta, inout standard_metadata_t standard_metadata);
control VerifyChecksum<H, M>(inout H hdr, inout M meta);
@pipeline
control Ingress<H, M>(inout H hdr, inout M meta, inout standard_metadata_t standard_metadata);
@pipeline
control Egress<H, M>(inout H hdr, inout M meta, inout standard_metadata_t standard_metadata);
control ComputeChecksum<H, M>(inout H hdr, inout M meta);
@deparser
control Deparser<H>(packet_out b, in H hdr);

package V1Switch<H, M>(
    Parser<H, M> p,
    VerifyChecksum<H, M> vr,
    Ingress<H, M> ig,
    Egress<H, M> eg,
    ComputeChecksum<H, M> ck,
    Deparser<H> dep
);

#endif
