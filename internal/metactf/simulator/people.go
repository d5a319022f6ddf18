package simulator

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"flagpole/internal/domain"
)

// All names are invented, and mixed so that pages meet accents, apostrophes, hyphens, other scripts' romanisations
// and names that are short or long.

var firstNames = strings.Fields(`
Ada Amara Ana Anders Anneliese Aoife Arjun Asha Astrid Ayşe Beatriz Björn Bo Brandon Caleb Camila Carmen Chiara Chidi
Chloé Dalia Darnell Dafydd Devi Diego Dmitri Ebony Eilidh Elif Elias Emeka Emma Esperanza Ethan Fatima Felix Femi Finn
Fiona Freja Gabriela Gia Giulia Grace Gustavo Hana Haruto Hassan Henrik Hiba Hugo Ibrahim Ida Ines Ingrid Isaac Ivy
Jada Jamal Jasmine Javier Jo Joaquín Jonas José Jun Kaito Kamala Karim Keisha Kenji Khadija Kofi Kwame Laila Lars Leila
Leïla Leticia Liam Lina Luca Lucía Łukasz Mai Malik Marcus María-José Marisol Mateo Maximiliano Mei Mila Mina Miriam
Mohammed Nadia Naomi Ngozi Niamh Nikolai Noah Noor Nuño Olga Olivia Omar Oscar Owen Paloma Pavel Petra Priya Quinn
Rafael Ravi Renée Rhys Rina Rohan Rosa Ruth Saanvi Samir Santiago Sara Seo-yeon Shanice Siân Sofia Søren Stella Sunita
Tamika Tariq Thảo Theo Tomás Uma Valentina Vikram Wei Wren Xiomara Yara Yuki Yusuf Zainab Zara Zeynep Zoë
`)

var lastNames = strings.Split(strings.TrimSpace(`
Abara|Abdullahi|Acheampong|Adeyemi|Ahlgren|Almeida|Álvarez|Andersen|Arslan|Baptiste|Barnes|Begum|Bianchi|Blackwood|
Brzęczyk|Calloway|Castillo|Chaudhry|Chen|Cho|Christensen|Cisneros|Clearwater|Cohen|Corrigan|Cruz|D'Angelo|Dahl|Das|
Delacroix|Desrosiers|Diallo|Duarte|Dupré|Eze|Falk|Farah|Fernandes|Figueroa|Fontaine|Forde|Fujita|Gallagher|
García-Márquez|Ghosh|Goldberg|Gonçalves|Grünwald|Haddad|Haile|Hakimi|Hansen|Harlow|Hernández|Hoang|Holloway|Hussain|
Ibáñez|Ito|Iyer|Jankowski|Jean-Baptiste|Jensen|Kamau|Kapoor|Karlsson|Katz|Kaya|Khoury|Kim|Kovačević|Kowalski|Kruger|
Lachance|Lam|Laurent|Lee|Lindqvist|Lopes|Łapiński|Mahmoud|Marchetti|Martínez|Mbeki|McAllister|Mensah|Mercado|Moreau|
Müller|Nakamura|Ndlovu|Nguyễn|Novák|Núñez|O'Connor|O'Shaughnessy|Oduya|Okafor|Okonkwo-Bright|Olsen|Osei|Ó Briain|Pak|
Papadopoulos|Patel|Peña|Pereira|Petrov|Phiri|Quispe|Rahman|Ramírez|Rao|Redfeather|Reyes|Rhodes|Ribeiro|Rossi|Rutherford|
Saito|Salazar|Sandoval|Schäfer|Sharma|Silva|Singh|Smith-Jørgensen|Sokolov|Sørensen|St. Clair|Suzuki|Takahashi|Tanaka|
Tesfaye|Thompson|Torres|Tran|Tremblay|Ueda|Vandermeer|van der Berg|Vargas|Venkataramanathan|Villanueva|Wójcik|Walcott|
Weiss|Whitehorse|Winterbourne|Wu|Xiong|Yamada|Yılmaz|Yoon|Zamora|Zhang|Zielińska|Żak
`), "|")

// ascii are the letters of the names that an email address is spared.
var ascii = strings.NewReplacer(
	"á", "a", "ä", "a", "ả", "a", "č", "c", "ć", "c", "ç", "c", "é", "e", "ë", "e", "ę", "e", "ễ", "e", "í", "i", "ï", "i",
	"ı", "i", "ł", "l", "ñ", "n", "ń", "n", "ó", "o", "ö", "o", "ø", "o", "ş", "s", "ú", "u", "ü", "u", "ż", "z", "â", "a",
)

// slug is text in lower case ASCII letters and digits, and sep between its words.
func slug(text, sep string) string {
	plain := strings.Map(func(r rune) rune {
		if (r >= 'a' && r <= 'z') || (r >= '0' && r <= '9') || r == ' ' || r == '-' {
			return r
		}
		return -1
	}, ascii.Replace(strings.ToLower(text)))
	return strings.Join(strings.FieldsFunc(plain, func(r rune) bool { return r == ' ' || r == '-' }), sep)
}

type school struct {
	name     string
	division domain.Division
}

var schools = []school{
	{"North Harbor High School", domain.HighSchool},
	{"Cedar Ridge High School", domain.HighSchool},
	{"Lantern Hill Academy", domain.HighSchool},
	{"Willow Creek Middle School", domain.MiddleSchool},
	{"Saltmarsh County High School", domain.HighSchool},
	{"Copper Basin Technical High School", domain.HighSchool},
	{"Tidewater Bluff Community College", domain.College},
	{"Juniper Flats High School", domain.HighSchool},
	{"Heron Lake Preparatory", domain.HighSchool},
	{"Maple Crossing Middle School", domain.MiddleSchool},
	{"Fort Amity High School", domain.HighSchool},
	{"Stonebridge Science Academy", domain.HighSchool},
	{"Blue Mesa High School", domain.HighSchool},
	{"Pine Hollow School for the Arts and Sciences", domain.HighSchool},
	{"Quarry Street High School", domain.HighSchool},
	{"East Prairie State College", domain.College},
	{"Granite Falls High School", domain.HighSchool},
	{"Otter Point High School", domain.HighSchool},
	{"Sunfield Early College High School", domain.HighSchool},
	{"Windmill Road Middle School", domain.MiddleSchool},
	{"Kestrel Canyon High School", domain.HighSchool},
	{"Ironwood Vocational Center", domain.HighSchool},
}

var regions = []string{"North Coast", "High Plains", "River Valley", "Lakeland", "Eastern Hills", "Desert Southwest"}

var (
	teamFirst = strings.Fields(`Byte Null Packet Kernel Cipher Root Binary Shell Hex Stack Daemon Salted Silent Midnight Rogue
		Quantum Buffered Encrypted Static Recursive Neon Copper Hidden Masked`)
	teamSecond = strings.Fields(`Lions Pointers Pirates Panthers Foxes Owls Rangers Otters Wizards Falcons Badgers Hornets
		Ravens Coyotes Mavericks Turtles Sparks Knights Wolves Herons Comets Bandits Geckos Yaks`)
)

var gradesOf = map[domain.Division][]string{
	domain.HighSchool:   {"9", "10", "11", "12"},
	domain.MiddleSchool: {"6", "7", "8"},
	domain.College:      {"1st year", "2nd year"},
}

// people invents names, each email only once.
type people struct {
	random *rand.Rand
	emails map[string]bool
}

func newPeople(seed int64) *people {
	return &people{random: stream(seed, streamPeople), emails: map[string]bool{}}
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func (p *people) name() (first, last string) {
	return pick(p.random, firstNames), strings.TrimSpace(pick(p.random, lastNames))
}

// email is an address at the school that nobody else has.
func (p *people) email(first, last, school string) string {
	user := slug(first, "-") + "." + slug(last, "-")
	host := "@" + slug(school, "-") + ".example"
	address := user + host
	for n := 2; p.emails[address]; n++ {
		address = fmt.Sprintf("%s%d%s", user, n, host)
	}
	p.emails[address] = true
	return address
}

// coach invents the n-th coach, from 0. Coaches beyond the list of schools share them.
func (p *people) coach(n int) (*coach, domain.Division) {
	at := schools[n%len(schools)]
	first, last := p.name()
	return &coach{
		id:     fmt.Sprintf("coach-%04d", n+1),
		email:  p.email(first, last, at.name),
		name:   first + " " + last,
		school: at.name,
		region: regions[n%len(regions)],
	}, at.division
}

// teamNames gives as many different names as are asked for, one after the other.
func (p *people) teamNames() func() string {
	order, n := p.random.Perm(len(teamFirst)*len(teamSecond)), 0
	return func() string {
		i, round := order[n%len(order)], n/len(order)
		n++
		name := teamFirst[i/len(teamSecond)] + " " + teamSecond[i%len(teamSecond)]
		if round > 0 {
			name += fmt.Sprintf(" %d", round+1)
		}
		return name
	}
}
