"""TensorRT and CUDA as far as the backend uses them, without a GPU; held to what the real ones document."""
