package handlers

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

// metrics serves what Prometheus reads, to whoever has the token. Without one there is no such route: they are served on an
// address of their own then, or not at all.
type metrics struct {
	handler http.Handler
	token   string
}

func (m metrics) register(e *echo.Echo) {
	want := sha256.Sum256([]byte(m.token))
	e.GET("/metrics", func(c echo.Context) error {
		if m.token == "" || m.handler == nil {
			return echo.ErrNotFound
		}
		token, _ := strings.CutPrefix(c.Request().Header.Get(echo.HeaderAuthorization), "Bearer ")
		got := sha256.Sum256([]byte(token))
		if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			c.Response().Header().Set(echo.HeaderWWWAuthenticate, "Bearer")
			return c.String(http.StatusUnauthorized, "The token is missing or wrong.\n")
		}
		m.handler.ServeHTTP(c.Response(), c.Request())
		return nil
	})
}
