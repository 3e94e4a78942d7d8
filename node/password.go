package node

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/quotadb/quota-db/config"
)

// maxPasswordBytes is the longest first line of a file with a password or secret.
const maxPasswordBytes = 64 << 10

// readPassword returns the default user's password, from the configuration or its file; empty: no password is needed.
func readPassword(cfg *config.Config) (string, error) {
	return readSecret(cfg.RequirePass, cfg.RequirePassFile, "--requirepass-file")
}

// readClusterSecret returns the cluster's secret, from the configuration or its file.
func readClusterSecret(cfg *config.Config) (string, error) {
	return readSecret(cfg.ClusterSecret, cfg.ClusterSecretFile, "--cluster-secret-file")
}

// readSecret returns secret, or the first line of the file that a flag names.
func readSecret(secret, file, flag string) (string, error) {
	if file == "" {
		return secret, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("%s: %w", flag, err)
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxPasswordBytes))
	if err != nil {
		return "", fmt.Errorf("%s: %w", flag, err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if line = strings.TrimSuffix(line, "\r"); line == "" {
		return "", fmt.Errorf("%s: %w", flag, errors.New("the first line of "+file+" is empty"))
	}
	return line, nil
}

// checkRegular refuses a file that can be read only once, such as a pipe: the start has read it, and opening it again
// would wait for a writer.
func checkRegular(file, flag string) error {
	info, err := os.Stat(file)
	if err != nil {
		return fmt.Errorf("%s: %w", flag, err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s: %s is not a regular file", flag, file)
	}
	return nil
}
