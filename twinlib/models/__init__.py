"""Everything that holds a model or describes a machine: loading, generating, planning, llama.cpp,
the hub."""
