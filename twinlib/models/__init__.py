"""Everything that holds a model or describes a machine: loading, answers, plans, llama.cpp, hub."""
