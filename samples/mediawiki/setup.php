<?php
// Brings the wiki's tables to the state that this image needs, then leaves its secret key
// where LocalSettings.php reads it. Run before the web server, by every task at every start.
//
// How far an installation got is written in the database itself, in a table of our own:
// no state before it begins, 'installing' while it runs, 'installed' once it has ended. So
// an interrupted one is known, and only that one is ever taken down: it was never served.
// A lock that the server drops with the connection lets one task do this at a time.

const WAIT_SECONDS = 120; // a database that moves to another host, or is being restored
const LOCK_SECONDS = 300; // another task's installation or update, on a slow host
const STATE_TABLE = 'horcrux_wiki';
const KEY_FILE = '/dev/shm/mediawiki/secret-key'; // in memory, never on a disk
const INSTALL_DIRECTORY = '/dev/shm/mediawiki/install';
const MAINTENANCE = '/usr/share/mediawiki/maintenance';

mysqli_report( MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT );

function say( string $text ): void {
	fwrite( STDERR, "mediawiki: $text\n" );
}

function fail( string $text ): never {
	say( $text );
	exit( 1 );
}

function required( string $name ): string {
	$value = getenv( $name );
	return $value !== false && $value !== '' ? $value : fail( "$name is not set: give it a value." );
}

/** The path in the variable, or the default, when a secret can be read there. */
function secret_file( string $name, string $default ): string {
	$path = getenv( $name ) ?: $default;
	return is_readable( $path ) ? $path
		: fail( "the secret $path cannot be read: give it, readable for www-data (mode 0444)." );
}

/** Connect, trying again every second while the database is not there yet. */
function connect(): mysqli {
	$deadline = time() + WAIT_SECONDS;
	$told = false;
	while ( true ) {
		try {
			return @new mysqli( // the message is in the exception as well
				required( 'DB_HOST' ),
				required( 'DB_USERNAME' ),
				rtrim( file_get_contents( secret_file( 'DB_PASSWORD_FILE', '' ) ), "\r\n" ),
				required( 'DB_DATABASE' ),
				(int)( getenv( 'DB_PORT' ) ?: 3306 )
			);
		} catch ( mysqli_sql_exception $error ) {
			if ( time() >= $deadline ) {
				fail( "no database within " . WAIT_SECONDS . " s: {$error->getMessage()}" );
			}
			if ( !$told ) {
				say( "waiting for the database: {$error->getMessage()}" );
				$told = true;
			}
			sleep( 1 );
		}
	}
}

function take_lock( mysqli $db ): void {
	$query = 'SELECT GET_LOCK(CONCAT(DATABASE(), ".' . STATE_TABLE . '"), ' . LOCK_SECONDS . ')';
	if ( $db->query( $query )->fetch_row()[0] !== '1' ) {
		fail( 'another task has been setting the wiki up for ' . LOCK_SECONDS . ' s: see its log.' );
	}
}

/** @return string[] names of the tables, without our own */
function tables( mysqli $db ): array {
	$names = array_column( $db->query( 'SHOW TABLES' )->fetch_all(), 0 );
	return array_values( array_diff( $names, [ STATE_TABLE ] ) );
}

function remembered( mysqli $db, string $name ): ?string {
	$query = 'SELECT value FROM ' . STATE_TABLE . ' WHERE name = ?';
	return $db->execute_query( $query, [ $name ] )->fetch_row()[0] ?? null;
}

function remember( mysqli $db, string $name, string $value ): void {
	$db->execute_query( 'REPLACE INTO ' . STATE_TABLE . ' (name, value) VALUES (?, ?)', [ $name, $value ] );
}

/** Run one of MediaWiki's maintenance scripts; the task ends when it fails. */
function maintain( string $script, array $arguments, array $environment = [] ): void {
	$command = [ PHP_BINARY, MAINTENANCE . "/$script", ...$arguments ];
	$process = proc_open( $command, [ STDIN, STDERR, STDERR ], $pipes, null, $environment + getenv() );
	$code = proc_close( $process );
	if ( $code !== 0 ) {
		fail( "$script ended with $code: its messages are above; the next start tries again." );
	}
}

function install( mysqli $db ): void {
	$passwords = [
		'--dbpassfile=' . secret_file( 'DB_PASSWORD_FILE', '' ),
		'--passfile=' . secret_file( 'WIKI_ADMIN_PASSWORD_FILE', '/run/secrets/admin-password' ),
	];
	remember( $db, 'state', 'installing' );
	mkdir( INSTALL_DIRECTORY, 0700, true );
	maintain( 'install.php', [
		'--dbtype=mysql',
		'--dbserver=' . required( 'DB_HOST' ) . ':' . ( getenv( 'DB_PORT' ) ?: '3306' ),
		'--dbname=' . required( 'DB_DATABASE' ),
		'--dbuser=' . required( 'DB_USERNAME' ),
		'--server=' . rtrim( required( 'WIKI_URL' ), '/' ),
		'--scriptpath=',
		'--lang=' . ( getenv( 'WIKI_LANGUAGE' ) ?: 'en' ),
		'--skins=Vector',
		'--confpath=' . INSTALL_DIRECTORY,
		...$passwords,
		getenv( 'WIKI_NAME' ) ?: 'Wiki',
		getenv( 'WIKI_ADMIN' ) ?: 'Admin',
	], [ 'MW_CONFIG_FILE' => INSTALL_DIRECTORY . '/LocalSettings.php' ] );
	// The image brings its own: this one has the passwords written into it.
	unlink( INSTALL_DIRECTORY . '/LocalSettings.php' );
	rmdir( INSTALL_DIRECTORY );
	remember( $db, 'state', 'installed' );
}

function take_down_interrupted( mysqli $db ): void {
	say( 'the last installation was interrupted: starting it over' );
	$db->query( 'SET FOREIGN_KEY_CHECKS = 0' );
	foreach ( tables( $db ) as $table ) {
		$db->query( "DROP TABLE `$table`" );
	}
}

function bring_up( mysqli $db ): void {
	$state = remembered( $db, 'state' );
	if ( $state === 'installing' ) {
		take_down_interrupted( $db );
	}
	$tables = tables( $db );
	if ( $tables === [] ) {
		say( 'installing the wiki' );
		install( $db );
		remember( $db, 'version', this_version() );
	} elseif ( $state === null ) {
		array_diff( [ 'page', 'revision', 'user' ], $tables ) === []
			|| fail( 'the database holds tables that are not a wiki\'s: give the wiki one of its own.' );
		say( 'taking over the wiki that the database holds' );
		remember( $db, 'state', 'installed' );
	}
}

function update( mysqli $db ): void {
	$before = remembered( $db, 'version' );
	if ( $before !== this_version() ) {
		say( 'updating the tables from ' . ( $before ?? 'an unknown version' ) . ' to ' . this_version() );
		maintain( 'update.php', [ '--quick' ] );
		remember( $db, 'version', this_version() );
	}
}

function this_version(): string {
	$source = file_get_contents( '/usr/share/mediawiki/includes/Defines.php' );
	return preg_match( "/'MW_VERSION', '([^']+)'/", $source, $found ) ? $found[1]
		: fail( 'includes/Defines.php names no version: is this still MediaWiki?' );
}

function write_key( mysqli $db ): void {
	$db->execute_query(
		'INSERT IGNORE INTO ' . STATE_TABLE . " (name, value) VALUES ('secret_key', ?)",
		[ bin2hex( random_bytes( 32 ) ) ]
	);
	file_put_contents( KEY_FILE, remembered( $db, 'secret_key' ) );
}

umask( 077 );
parse_url( required( 'WIKI_URL' ), PHP_URL_HOST )
	|| fail( "WIKI_URL is '" . getenv( 'WIKI_URL' ) . "': give a URL such as http://wiki.example.org." );
$db = connect();
take_lock( $db );
$db->query( 'CREATE TABLE IF NOT EXISTS ' . STATE_TABLE
	. ' (name VARBINARY(32) PRIMARY KEY, value VARBINARY(255) NOT NULL) ENGINE=InnoDB' );
bring_up( $db );
write_key( $db );
update( $db );
