# A twin in a container, without a GPU. The twins and the downloaded models stay in the folder that is mounted:
#   docker build -t another-me .
#   docker run --rm -it -v "$PWD/twins:/twins" another-me                   make twin, with the sample blog
#   docker run --rm -it -v "$PWD/twins:/twins" -v "$PWD/my_posts:/posts" another-me twinlib corpus --twin me --source /posts
FROM python:3.12-slim
# make for the set-up, OpenMP for scikit-learn and llama.cpp, a font with Chinese characters for the pictures
RUN apt-get update \
 && apt-get install -y --no-install-recommends make libgomp1 fonts-wqy-microhei \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /another-me
COPY . .
RUN make setup
ENV PATH="/another-me/.venv/bin:$PATH" \
    TWINLIB_TWINS=/twins \
    TWINLIB_CACHE=/twins/.cache/twinlib \
    HF_HOME=/twins/.cache/huggingface
VOLUME /twins
CMD ["make", "twin"]
