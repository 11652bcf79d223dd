"""What speaks to torch, transformers, llama.cpp and the machine. Heavy imports stand inside functions."""
