package command

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/quotadb/quota-db/acl"
)

// maxUserFileBytes bounds the file of users.
const maxUserFileBytes = 64 << 20

// loadUsers replaces all users by those of the file that the configuration names; it does nothing if it names none. It returns the users that are no more.
func (s *Server) loadUsers() (gone []*acl.User, err error) {
	path := s.Config.UserFile
	if path == "" {
		return nil, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxUserFileBytes {
		return nil, fmt.Errorf("%s: larger than %d bytes", path, maxUserFileBytes)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	gone, err = s.Users.Load(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return gone, nil
}

func aclLoad(c *call) {
	if c.server.Config.UserFile == "" {
		c.fail(errNoUserFile)
		return
	}
	gone, err := c.server.loadUsers()
	if err != nil {
		c.fail("ERR " + err.Error())
		return
	}
	for _, u := range gone {
		c.endUser(u)
	}
	c.ok()
}

// aclSave writes a new file and puts it in the old one's place.
func aclSave(c *call) {
	path := c.server.Config.UserFile
	if path == "" {
		c.fail(errNoUserFile)
		return
	}
	text := strings.Join(c.server.Users.List(), "\n") + "\n"
	if err := replaceFile(path, []byte(text)); err != nil {
		c.server.Log.Warn("write the file of users", "error", err)
		c.fail("ERR There was an error trying to save the ACLs. Please check the server logs for more information")
		return
	}
	c.ok()
}

// replaceFile has either the old or the new content at path, whatever happens. Only the owner may read it.
func replaceFile(path string, data []byte) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".users-*") // with mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
