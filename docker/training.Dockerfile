# Training, on an NVIDIA GPU or a processor: amd64.
#
# Not built yet: where this was written there was no Docker. Checked is what can be without: hadolint, and
# test/test_dockerfiles.py (what is copied and installed exists).
#
#   docker build -f docker/training.Dockerfile -t mtl_training .
#   docker run --rm --gpus all --ipc=host --user "$(id -u):$(id -g)" -v /path/to/data:/data:ro -v "$PWD":/workspace \
#       mtl_training fit --config /opt/mtl_perception/training/experiments/house_rooms.yaml --name mine
#
# --gpus needs NVIDIA's container toolkit and driver on the host; CUDA itself comes with torch from the package index.
# --ipc=host: processes that load frames hand them over in shared memory. Runs are left in /workspace/runs.
FROM python:3.12-slim-bookworm

WORKDIR /opt/mtl_perception
COPY constraints.txt setup.py setup.cfg pyproject.toml package.xml README.md LICENSE ./
COPY resource resource
COPY config config
COPY launch launch
COPY rviz rviz
COPY foxglove foxglove
COPY models models
COPY demo demo
COPY mtl_perception mtl_perception
RUN pip install --no-cache-dir --constraint constraints.txt -e '.[onnx,train]'
COPY training training
COPY bench bench

# The training package is run from its checkout.
ENV PYTHONPATH=/opt/mtl_perception \
    MTL_PERCEPTION_DATA=/data \
    MALLOC_MMAP_MAX_=0 \
    MALLOC_TRIM_THRESHOLD_=20000000000 \
    HOME=/tmp
WORKDIR /workspace
ENTRYPOINT ["python", "-m", "training"]
