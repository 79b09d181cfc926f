# The perception node for a robot that runs containers: CPU, amd64 or arm64.
#
# Not built yet: where this was written there was no Docker. Checked is what can be without: hadolint, and
# test/test_dockerfiles.py (what is copied exists and is all that the package installs). For a Jetson's GPU the base image
# and TensorRT must come from NVIDIA: docs/jetson.md.
#
#   docker build -f docker/robot.Dockerfile -t mtl_perception .
#   docker run --rm --net=host --ipc=host mtl_perception image:=/camera/image_raw camera_info:=/camera/camera_info
#
# --net=host and --ipc=host: discovery over the host's network, and images in the shared memory of the host. Without the
# second a camera driver outside finds the node and its images do not come. Run it as the user the driver runs as
# (--user), as shared memory belongs to its user. The launch file sets the Fast DDS profile that makes the shared memory
# large enough; set it for the driver too: config/fastdds_shm.xml.
ARG ROS_DISTRO=jazzy
FROM ros:${ROS_DISTRO}-ros-base
SHELL ["/bin/bash", "-o", "pipefail", "-c"]

WORKDIR /ros2_ws/src/mtl_perception
COPY package.xml ./
# ONNX Runtime and rosbags are in no apt: rosdep takes them from pip, which Ubuntu 24.04 lets touch the system only if
# told to. apt's OpenCV and cv_bridge are built for numpy 1; on Ubuntu 22.04 (ROS_DISTRO=humble) pip would bring numpy 2.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3-pip \
    && rosdep update --rosdistro "${ROS_DISTRO}" \
    && echo 'numpy<2' > /ros2_ws/constraints.txt \
    && PIP_BREAK_SYSTEM_PACKAGES=1 PIP_NO_CACHE_DIR=1 PIP_CONSTRAINT=/ros2_ws/constraints.txt \
        rosdep install --from-paths /ros2_ws/src --ignore-src -y --rosdistro "${ROS_DISTRO}" --dependency-types exec \
    && rm -rf /var/lib/apt/lists/*

COPY setup.py setup.cfg pyproject.toml README.md LICENSE ./
COPY resource resource
COPY config config
COPY launch launch
COPY rviz rviz
COPY foxglove foxglove
COPY models models
COPY demo demo
COPY mtl_perception mtl_perception
WORKDIR /ros2_ws
RUN source "/opt/ros/${ROS_DISTRO}/setup.bash" && colcon build --packages-select mtl_perception

# ros2 launch logs to its user's home, and a user that --user names has none here.
ENV HOME=/tmp

# Arguments of the launch file follow `docker run ... mtl_perception`; -s in their place lists them.
ENTRYPOINT ["/bin/bash", "-c", "source /ros2_ws/install/setup.bash && exec ros2 launch mtl_perception perception.launch.py \"$@\"", "--"]
