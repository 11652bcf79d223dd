"""Everything that holds a model or describes a machine: loading, answering, plans, llama.cpp, hub."""
