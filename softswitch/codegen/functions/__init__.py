"""The C functions that are being written, and the C file that they are for. Used by everything that emits code; may
import `values`."""
