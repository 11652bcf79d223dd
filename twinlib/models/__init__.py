"""Models and machines: loading, answering and scoring, llama.cpp, the hub, plans and estimates."""
