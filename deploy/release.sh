#!/usr/bin/env bash
# Builds what is released, into dist/: binaries of four platforms as archives, Debian packages of two, and their checksums. The same tree gives
# the same bytes: times are those of the last commit, and no path of the machine is in a binary.
#   deploy/release.sh [PLATFORM...]    as linux-amd64; without any, all
set -euo pipefail
cd "$(dirname "$0")/.."

GO=${GO:-go}
platforms=("$@")
[ ${#platforms[@]} -gt 0 ] || platforms=(linux-amd64 linux-arm64 darwin-amd64 darwin-arm64)
nfpm=$($GO -C deploy tool -n nfpm)
version=$(sed -n 's/^const Version = "\(.*\)"/\1/p' config/*.go)
: "${version:?config has no version}"
stamp=$(git log -1 --format=%ct 2>/dev/null || echo 0)
export SOURCE_DATE_EPOCH=$stamp
dist=dist
rm -rf "$dist"
mkdir -p "$dist/completion" "$dist/package"
cp LICENSE deploy/systemd/* "$dist/package"

# What the binary says of itself is the same on all platforms: it is asked on this one.
host=$dist/host
CGO_ENABLED=0 $GO build -trimpath -o "$host" ./cmd/quota-db
"$host" man | gzip -9n >"$dist/quota-db.1.gz"
"$host" completion bash >"$dist/completion/quota-db.bash"
"$host" completion zsh >"$dist/completion/_quota-db"
"$host" completion fish >"$dist/completion/quota-db.fish"
rm "$host"

for platform in "${platforms[@]}"; do
  os=${platform%-*} arch=${platform#*-}
  name=quota-db-$version-$platform
  mkdir -p "$dist/$platform" "$dist/$name"
  GOOS=$os GOARCH=$arch CGO_ENABLED=0 $GO build -trimpath -buildvcs=false -ldflags="-s -w" -o "$dist/$platform/quota-db" ./cmd/quota-db
  cp -r "$dist/$platform/quota-db" README.md LICENSE CHANGELOG.md docs "$dist/quota-db.1.gz" "$dist/completion" "$dist/$name"
  chmod -R u=rwX,go=rX "$dist/$name"
  tar -C "$dist" --create --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$stamp" "$name" | gzip -9n >"$dist/$name.tar.gz"
  rm -r "${dist:?}/$name"
  if [ "$os" = linux ]; then
    find "$dist" -exec touch --date="@$stamp" {} +
    sed "s,\${ARCH},$arch,; s,\${VERSION},$version,; s,\${DIST},$dist,; " deploy/nfpm.yaml >"$dist/package/nfpm.yaml"
    "$nfpm" package --config "$dist/package/nfpm.yaml" --packager deb --target "$dist/quota-db_${version}_$arch.deb"
  fi
done
(cd "$dist" && sha256sum -- *.tar.gz $(ls | grep '\.deb$' || true) >SHA256SUMS)
