# Offramp in one static binary on an empty image, as an unprivileged user.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION
# go-sqlite3 needs cgo; static glibc works here because netgo and osusergo
# keep name and user look-ups in Go.
RUN CGO_ENABLED=1 go build -trimpath \
      -tags sqlite_omit_load_extension,osusergo,netgo \
      -ldflags "-s -w -X main.version=${VERSION} -linkmode external -extldflags -static" \
      -o /offramp ./cmd/offramp \
 && mkdir -p /image/data /image/etc/ssl/certs /image/tmp \
 && cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ \
 && chown -R 65532:65532 /image/data /image/tmp && chmod 700 /image/data /image/tmp

FROM scratch
LABEL org.opencontainers.image.title="Offramp" \
      org.opencontainers.image.description="SMTP relay that adds a working unsubscribe to every bulk message" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /image/ /
COPY --from=build /offramp /offramp
USER 65532:65532
# A runtime's proxy can make other machines look like loopback.
ENV OFFRAMP_DATA_DIR=/data OFFRAMP_SMTP_AUTH_LOOPBACK=false
# The server does not start in an empty volume; once, for a new one:
# docker run --rm -v offramp:/data offramp init --data
VOLUME /data
# SMTP relay and feedback, recipients' pages, admin (loopback only).
EXPOSE 2525 8080 8081
HEALTHCHECK --interval=15s --timeout=5s --start-period=10s CMD ["/offramp", "health"]
ENTRYPOINT ["/offramp"]
CMD ["serve"]
