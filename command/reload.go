package command

import "fmt"

// Reload makes the default user's password what it is given, unless that is empty, and loads the file of users again as
// ACL LOAD does, if there is one. Clients of users that are no more are disconnected. After an error users and password
// are as they were.
func (s *Server) Reload(password string) error {
	gone, err := s.loadUsers(password)
	if err != nil {
		return err
	}
	for _, u := range gone {
		s.endUser(u)
	}
	return nil
}

// SetUp does what the configuration says of users: the password of the default user, and the file of users.
func (s *Server) SetUp(password string) error { return s.Reload(password) }

func (s *Server) requirePassword(password string) error {
	if err := s.Users.RequirePass(password); err != nil {
		return fmt.Errorf("set the password: %w", err)
	}
	s.Params.RequirePass.Store(&password)
	return nil
}
