package node

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/quotadb/quota-db/config"
)

// maxPasswordBytes bounds the first line of the file of the password.
const maxPasswordBytes = 64 << 10

// readPassword is the default user's password, from the configuration or the file that it names; empty if none is needed.
func readPassword(cfg *config.Config) (string, error) {
	if cfg.RequirePassFile == "" {
		return cfg.RequirePass, nil
	}
	f, err := os.Open(cfg.RequirePassFile)
	if err != nil {
		return "", fmt.Errorf("--requirepass-file: %w", err)
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxPasswordBytes))
	if err != nil {
		return "", fmt.Errorf("--requirepass-file: %w", err)
	}
	password, _, _ := strings.Cut(string(text), "\n")
	if password = strings.TrimSuffix(password, "\r"); password == "" {
		return "", fmt.Errorf("--requirepass-file: %w", errors.New("the first line of "+cfg.RequirePassFile+" is empty"))
	}
	return password, nil
}
