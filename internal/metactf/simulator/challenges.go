package simulator

import (
	"math/rand/v2"
	"strings"
)

// subject is a field of challenges. The platform spells it in several ways and names work roles in two styles, by
// which version of the NICE framework the author looked at.
type subject struct {
	spellings []string
	roles     [][]string
	titles    string // the last flashTitles of them are played in flash CTFs
}

const (
	flashTitles   = 5 // of each subject
	flashIDOffset = 5000
)

var subjects = []subject{
	{
		[]string{"crypto", "Cryptography", "cryptography"}, [][]string{{"DD-WRL-003"}, {"PR-CDA-001", "SP-DEV-001"}, {}},
		`Rusty Padlock|Caesar's Lunchbox|Twice XORed|The Short Exponent|Nonce of Your Business|Padding the Truth|
		Vigenère in the Attic|Curve Ball|Hash Browns|Prime Suspect|One Time Too Many|
		Fractured Key|Salt Shaker|Baker's Cipher|Small Roots|Mirror Block`,
	},
	{
		[]string{"foren", "forensics", "Forensics"}, [][]string{{"IN-FOR-002"}, {"IN-WRL-002"}, {"IN-WRL-002", "PD-WRL-003"}},
		`Deleted, Not Gone|Muddy Footprints|The Second Partition|Memory Lane|Shadow Copy|Thumb Drive Blues|
		Carved in Bytes|Registry Gossip|Timeline Trouble|A Picture of Nothing|Swap Meet|
		Cold Boot Coffee|Torn Archive|Ghost in the Log|Slack Space|Unmounted`,
	},
	{
		[]string{"reven", "Reverse Engineering", "reverse_engineering"}, [][]string{{"DD-WRL-005"}, {"AN-EXP-001"}, {}},
		`Backwards Baker|Strings Attached|Packed Lunch|The Stubborn Serial|Crackling Console|Opcode Orchard|
		Anti-Debugger's Diary|Loop the Loop|Little Endian Tales|Virtual Insanity|Jump Table Tennis|
		Keygen Karaoke|Hidden Branch|Bytecode Bingo|Patch Me Gently|Self-Modifying Sandwich`,
	},
	{
		[]string{"binexp", "Binary Exploitation", "binary_exploitation"}, [][]string{{"PD-WRL-007"}, {"CO-OPS-001"}},
		`Overflowing Teacup|Canary in the Cold|Return to Sender|Format of the Day|Off by One Cookie|Heap of Trouble|
		Gadget Garage|Use After Fee|Integer Underdog|The Leaky Pointer|Stack of Pancakes|
		Shell We Dance|Double Free Lunch|Nop Till You Drop|Global Offset Picnic|Tiny Buffer, Big Dreams`,
	},
	{
		[]string{"web", "webex", "Web Exploitation"}, [][]string{{"PR-VAM-001"}, {"PD-WRL-007", "DD-WRL-003"}, {}},
		`Cookie Monster's Diet|Robots Were Here|Quote Unquote|Admin by Accident|The Forgotten Backup|Path of Most Resistance|
		Cross-Site Story|Template Temptation|JWT or Not|Race to Checkout|Server-Side Surprise|
		Hidden Field Trip|Upload Anything|Session Swap|Blind Query|Header Hunter`,
	},
	{
		[]string{"recon", "Reconnaissance"}, [][]string{{"AN-TWA-001"}, {"PD-WRL-003"}},
		`First Footsteps|What Port Is That|Certificate Trail|Subdomain Safari|Banner Reader|The Quiet Scan|
		Whose Is This|Old Snapshots|Robots and Maps|Zone of Interest|Fingerprint Powder|
		Passive Listener|Wide Sweep|Shy Service|Version Vision|The Side Door`,
	},
	{
		[]string{"osint", "OSINT"}, [][]string{{"CO-CLO-001"}, {"IN-WRL-001"}, {}},
		`Where Was This Taken|The Bakery Review|Username Everywhere|Flight of the Mallard|Bridge Over Somewhere|
		Street Sign Puzzle|The Vanished Blog|Sunset Arithmetic|Metadata Matters|Lost Lighthouse|A Very Public Calendar|
		Train Spotting|Postcard Home|Half a Licence Plate|The Mural|Old Phone Book`,
	},
	{
		[]string{"os", "Operating Systems"}, [][]string{{"IO-WRL-005"}, {"OM-ADM-001"}},
		`Permission Slip|Cron Job Interview|Lost in the Shell|Zombie Process|The Sticky Bit|Path Finder|
		Sudo Sandwich|Environmental Studies|Hard Links, Soft Links|Service Entrance|Login Loop|
		Rooted Vegetables|Mounting Evidence|Escape the Jail|Quiet Daemon|Signal Flags`,
	},
	{
		[]string{"networking", "Networking"}, [][]string{{"OM-NET-001"}, {"IO-WRL-004"}, {}},
		`Three-Way Handshake|Lost Packets|The Chatty Protocol|Subnet Submarine|Plain Old Telnet|Wireless Whispers|
		Time to Live|Fragmented Thoughts|ARP and Crafts|Tunnel Vision|Port Knocking|
		Mail in Transit|Broadcast Storm|Window Size|Name Server Blues|Retransmission`,
	},
	{
		[]string{"social", "social_engineering"}, [][]string{{"OG-WRL-004"}, {"OV-TEA-001"}},
		`Urgent Invoice|The Friendly Caller|Gift Card Emergency|Spot the Phish|Tailgate Party|Password Reset Theatre|
		A Prince Writes|Badge of Honor|Too Good to Be True|Shoulder Season|The New Intern|
		Voice of the Boss|Free Conference Pass|Survey Says|Typo Domain|Lost Parcel`,
	},
	{
		[]string{"misc", "Miscellaneous"}, [][]string{{}, {"DD-WRL-003"}, {"SP-DEV-001"}},
		`Sanity Check|Read the Rules|QR Quilt|Esoteric Evening|Base Jumping|Emoji Enigma|
		Spreadsheet Sorcery|Regex Golf|Morse Than Words|The Long Riddle|Git Happens|
		Barcode Bazaar|Audio Postcard|Maze Runner's Log|Polyglot Picnic|Chess by Mail`,
	},
}

// catalogue makes the challenges of on-demand learning and those for flash CTFs.
func catalogue(random *rand.Rand) (odl, flash []*challenge) {
	for _, s := range subjects {
		titles := strings.Split(s.titles, "|")
		for i, title := range titles {
			c := s.challenge(random, strings.TrimSpace(title))
			if i < len(titles)-flashTitles {
				odl = appendNumbered(odl, c, 1000)
			} else {
				c.retired = false
				flash = appendNumbered(flash, c, flashIDOffset)
			}
		}
	}
	return odl, flash
}

func appendNumbered(list []*challenge, c *challenge, offset int) []*challenge {
	c.index = len(list)
	c.id = int64(offset + c.index)
	return append(list, c)
}

// challenge is worth 100 to 600 points, the lower the more likely. About one in twelve is retired.
func (s subject) challenge(random *rand.Rand, title string) *challenge {
	return &challenge{
		title:     title,
		category:  pick(random, s.spellings),
		points:    int64(100 + 50*min(random.IntN(11), random.IntN(11))),
		retired:   random.IntN(12) == 0,
		workRoles: pick(random, s.roles),
	}
}
