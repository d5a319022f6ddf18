package handlers

import (
	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/views"
)

// categoriesShow shows the table of categories, and what the platform sends besides.
func (p *pages) categoriesShow(c echo.Context, s *store.Scope) error {
	unknown, err := s.UnknownCategories(c.Request().Context())
	if err != nil {
		return err
	}
	var view views.Categories
	for _, k := range domain.Categories() {
		view.Known = append(view.Known, views.KnownCategory{
			Name: k.Name, URL: link(competitorsPath, "category", k.Key), Variants: append([]string{k.Key}, k.Variants...),
		})
	}
	for _, u := range unknown {
		view.Unknown = append(view.Unknown, views.UnknownCategory{
			Name: u.Name, URL: link(competitorsPath, "category", u.Key), Competitors: u.Competitors, Solves: u.Solves,
		})
	}
	return render(c, views.CategoriesPage(p.shell(c, s.Viewer()), view), nil)
}

// categoriesCSV exports the table of categories, then those that are not in it.
func (p *pages) categoriesCSV(c echo.Context, s *store.Scope) error {
	unknown, err := s.UnknownCategories(c.Request().Context())
	if err != nil {
		return err
	}
	return p.csv(c, "categories", "", []string{"category", "spelling", "in_the_table"}, func(row func(...any) error) error {
		for _, k := range domain.Categories() {
			for _, spelling := range append([]string{k.Key}, k.Variants...) {
				if err := row(k.Name, spelling, true); err != nil {
					return err
				}
			}
		}
		for _, u := range unknown {
			if err := row(u.Name, u.Key, false); err != nil {
				return err
			}
		}
		return nil
	})
}
